"""The way into the cluster for whoever deploys: Pulumi's Kubernetes provider, told where the cluster is.

No credential is in its configuration: each use asks Google's plugin for a token, in the name of whoever deploys. That
has to be somebody who administers the cluster, and the control plane has to be reached from where `up` runs.
"""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from infra.gcp.cluster import Cluster
from infra.gcp.kubeconfig import kubeconfig

NAME = "kubernetes"


def cluster_kubeconfig(cluster: Cluster) -> pulumi.Output[str]:
    """The kubeconfig of the cluster, a secret.

    No credential is in it. It tells where the control plane is, which is nobody else's business.
    """
    known = pulumi.Output.all(cluster.cluster_name, cluster.endpoint, cluster.certificate_authority_data)
    text = known.apply(
        lambda known: kubeconfig(cluster_name=known[0], endpoint=known[1], certificate_authority_data=known[2])
    )
    return pulumi.Output.secret(text)


def kubernetes_provider(
    cluster: Cluster, *, parent: pulumi.Resource, after: Sequence[pulumi.Resource]
) -> kubernetes.Provider:
    """The provider of everything in the cluster.

    A cluster that is out of reach is an error to it. `PULUMI_K8S_DELETE_UNREACHABLE` has it forget what was in one that
    is gone, `PULUMI_K8S_SKIP_UPDATE_UNREACHABLE` take what is there for what was deployed. Both are for a single run,
    and so for the environment to say: what the program says, no environment takes back. Source: pulumi-kubernetes,
    provider/pkg/provider/provider.go (Configure, Check, Read, Delete).

    :param after: What has to be there before anything in the cluster, and go after it.
    """
    return kubernetes.Provider(
        NAME,
        kubeconfig=cluster_kubeconfig(cluster),
        # Fields of others, such as the replicas that an autoscaler sets, stay theirs.
        enable_server_side_apply=True,
        # Another address of the control plane is the same cluster.
        cluster_identifier=cluster.cluster_id,
        # What the environment says of a cluster that is out of reach is for one run, and no difference between two.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[*after], ignore_changes=["skipUpdateUnreachable"]),
    )
