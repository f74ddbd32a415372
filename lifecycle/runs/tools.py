"""The commands without which a stack in a cloud cannot be deployed to its end, looked for before it is begun."""

import shutil
from collections.abc import Callable

from lifecycle.runs.errors import RunRefused

_TOOLS = {
    "gcp": (
        "gke-gcloud-auth-plugin",
        "https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin",
    )
}
"""What Pulumi's Kubernetes provider asks for the way into the cluster (`infra.gcp.kubeconfig`), and how to get it."""


def check_tools(cloud: str, which: Callable[[str], str | None] = shutil.which) -> None:
    """Raises RunRefused where a command is not on PATH that is needed once the cluster is there."""
    tool, where = _TOOLS.get(cloud, ("", ""))
    if tool and which(tool) is None:
        raise RunRefused(
            f"there is no {tool} on PATH, without which nothing can be deployed into the cluster: install it ({where})"
        )
