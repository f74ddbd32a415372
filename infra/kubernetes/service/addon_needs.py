"""Which add-ons of the cluster the service's settings count on: asked of the settings, before anything is made."""

from infra.kubernetes.addon_settings import AddonSettings
from infra.workload_settings import ServingSettings


def addon_problems(serving: ServingSettings, addons: AddonSettings) -> list[str]:
    """What is asked of an add-on that is not installed, each with the setting to change."""
    if not serving.enabled:
        return []
    scaling, exposure = serving.scaling, serving.exposure
    measured = not scaling.fixed and (scaling.metric != "cpu" or scaling.to_zero)
    own_gateway = exposure.kind == "gateway" and not (exposure.class_name and exposure.proxy_namespace)
    needs = [
        ("monitoring", addons.monitoring.enabled, measured, f"scaling.metric = {scaling.metric}"),
        ("gpu_metrics", addons.gpu_metrics.enabled, measured and scaling.metric == "gpu", "scaling.metric = gpu"),
        ("scale_to_zero", addons.scale_to_zero.enabled, scaling.to_zero, "scaling.to_zero = true"),
        ("gateway", addons.gateway.enabled, own_gateway, "exposure.kind = gateway"),
    ]
    otherwise = {"gateway": ", or name another gateway's class_name and proxy_namespace"}
    return [
        f"trainyard:serving.{setting}: needs the add-on {addon}; set trainyard:kubernetes.addons.{addon}.enabled to "
        f"true{otherwise.get(addon, '')}"
        for addon, there, asked, setting in needs
        if asked and not there
    ]
