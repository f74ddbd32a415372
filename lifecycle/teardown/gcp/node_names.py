"""What GKE calls the nodes of a cluster's pools, for what goes on naming them when they are gone. Pure.

gke-CLUSTER-POOL-, then two ends by chance. The names of cluster and pool have 32 characters together; where that is not
enough, each keeps 16, and what the other one leaves. Source: kubernetes/kubernetes#42493, that they are cut. How, no
page of Google's says, and names of nodes in public show: gke-tf-adv-gke-dcc-nap-e2-standard-2--943f1681-l4d6 is of the
pool nap-e2-standard-2-yg2nnsw8 in the cluster tf-adv-gke-dcc, and both names are cut in
gke-cad-coder-produc-nap-e2-medium-jx-…, but only the cluster's in gke-cad-coder-productio-standard-pool-….
"""

import re
from collections.abc import Iterable

_TOGETHER, _EACH = 32, 16
_PROVIDER_DIGITS = 7
"""How many hexadecimal digits Pulumi's provider puts at the end of the name of a pool (`infra.gcp.node_pool`)."""
_FIRST_POOL = "default-pool"
"""The pool that a cluster has when it is made. Source: GKE, "About node pools"."""


def cluster_part(name: str, cluster: str, pools: Iterable[str]) -> str:
    """What is left of a cluster's name in that of a machine that is called as its nodes are; empty: it is not.

    :param pools: What pools are called, without the ends of their names.
    """
    for known, digits in (*((f"{pool}-", _PROVIDER_DIGITS) for pool in pools), (_FIRST_POOL, 0)):
        of_cluster = cluster[: max(_EACH, _TOGETHER - len(known) - digits)]
        room = max(_EACH, _TOGETHER - len(cluster))
        left = min(digits, max(room - len(known), 0))
        begin = re.escape(f"gke-{of_cluster}-{known[:room]}")
        if re.fullmatch(rf"{begin}[0-9a-f]{{{left}}}-[0-9a-f]{{8}}-[0-9a-z]{{4}}", name):
            return of_cluster
    return ""
