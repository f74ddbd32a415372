"""What breaks each rule for namespaces, and for who reaches what in a cluster and from outside."""

from policies.kubernetes import exposure, namespaces, network
from policies.kubernetes.manifests import NAMESPACE, SERVICE
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, removing, setting, without

POLICY = network.NETWORK_POLICIES[0]
SERVING = "trainyard-serving"
FRONT = "corpus/kubernetes_front"

MUTATIONS: dict[Rule, Mutation] = {
    namespaces.namespace_pod_security: Mutation(
        "dev", setting(NAMESPACE, "baseline", "metadata", "labels", namespaces.ENFORCED, name="trainyard")
    ),
    namespaces.namespace_of_its_own: Mutation(
        "dev", without(SERVICE, "metadata", "namespace", name="trainyard-serving-metrics")
    ),
    namespaces.team_quota: Mutation("dev", removing(namespaces.RESOURCE_QUOTA)),
    namespaces.team_default_limits: Mutation("prod", removing(namespaces.LIMIT_RANGE)),
    network.namespace_default_deny: Mutation("dev", removing(POLICY, "trainyard-default-deny")),
    network.network_policy_not_open: Mutation(
        "prod", without(POLICY, "spec", "ingress", 0, "from", name="trainyard-training-peers")
    ),
    exposure.service_no_node_port: Mutation("dev", setting(SERVICE, "NodePort", "spec", "type", name=SERVING)),
    exposure.service_internal_load_balancer: Mutation(
        "dev", setting(SERVICE, "LoadBalancer", "spec", "type", name=SERVING)
    ),
    exposure.service_no_external_addresses: Mutation("dev", setting(SERVICE, ["192.0.2.7"], "spec", "externalIPs")),
    exposure.ingress_tls: Mutation(FRONT, without(exposure.INGRESSES[0], "spec", "tls")),
    exposure.ingress_no_snippets: Mutation(
        FRONT,
        setting(
            exposure.INGRESSES[0],
            "alias /etc/;",
            "metadata",
            "annotations",
            "nginx.ingress.kubernetes.io/server-snippet",
        ),
    ),
    exposure.gateway_tls: Mutation(FRONT, setting(exposure.GATEWAYS[0], "HTTP", "spec", "listeners", 0, "protocol")),
}
