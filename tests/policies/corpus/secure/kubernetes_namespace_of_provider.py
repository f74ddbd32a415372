"""Objects that name no namespace, made with a provider that names one for all of them."""

import pulumi
import pulumi_kubernetes as kubernetes

vision = kubernetes.Provider("vision", namespace="vision")
kubernetes.core.v1.ConfigMap(
    "classes",
    metadata={"name": "classes"},
    data={"classes.json": '["cat", "dog"]'},
    opts=pulumi.ResourceOptions(provider=vision),
)
