"""Whether the workloads of a stack can ever run on its pools: asked of the settings, before anything is made."""

from collections.abc import Sequence

from infra.kubernetes.node_pools import NodePool
from infra.kubernetes.placement import need_of_job, problems
from infra.kubernetes.service.addon_needs import addon_problems
from infra.kubernetes.service.deployment import service_need
from infra.kubernetes.settings import KubernetesSettings
from infra.kubernetes.teams import gpu_quota
from infra.workload_settings import ServingSettings, TrainingSettings


def workload_problems(
    training: TrainingSettings, serving: ServingSettings, kubernetes: KubernetesSettings, pools: Sequence[NodePool]
) -> list[str]:
    """What can never run, each with the setting to change."""
    if not training.enabled:
        return []
    found = problems(need_of_job(training.pods), pools, "trainyard:training.pods")
    if serving.enabled:
        found += problems(service_need(serving.pods, serving.limits), pools, "trainyard:serving.pods")
        found += addon_problems(serving, kubernetes.addons)
        found += _without_front(serving)
    found += _unshared(training, serving, kubernetes)
    return found or _over_quota(training, serving, kubernetes, pools)


def _without_front(serving: ServingSettings) -> list[str]:
    if serving.front_image:
        return []
    return [
        "trainyard:serving.front_image: must be what asks clients who they are, Envoy 1.40 by its digest: "
        "docker.io/envoyproxy/envoy@sha256:DIGEST"
    ]


def _unshared(training: TrainingSettings, serving: ServingSettings, kubernetes: KubernetesSettings) -> list[str]:
    """What the device plugin does not offer as it is set."""
    plugin, found = kubernetes.addons.device_plugin, []
    pods = {"training": training.pods.gpus, "serving": serving.pods.gpus if serving.enabled else 0}
    for workload, gpus in pods.items():
        if gpus > 1 and plugin.time_slices > 1:
            found.append(
                f"trainyard:{workload}.pods.gpus = {gpus}: must be 1 where GPUs are shared "
                f"(trainyard:kubernetes.addons.device_plugin.time_slices = {plugin.time_slices})"
            )
    if serving.enabled and serving.pods.mig_profile and plugin.mig_strategy != "mixed":
        found.append(
            f"trainyard:serving.pods.mig_profile = {serving.pods.mig_profile}: "
            "needs trainyard:kubernetes.addons.device_plugin.mig_strategy = mixed"
        )
    return found


def _over_quota(
    training: TrainingSettings, serving: ServingSettings, kubernetes: KubernetesSettings, pools: Sequence[NodePool]
) -> list[str]:
    team = kubernetes.all_teams[kubernetes.team]
    served = serving.pods.gpus * serving.scaling.max_pods if serving.enabled else 0
    asked = training.pods.nodes * training.pods.gpus + served
    allowed = gpu_quota(team, pools)
    if asked <= allowed:
        return []
    return [
        f"trainyard:kubernetes.teams.{kubernetes.team}.gpus = {allowed}: the stack's own job and service ask for "
        f"{asked} GPUs at once; must be {asked} or more, or ask for fewer in trainyard:training.pods"
    ]
