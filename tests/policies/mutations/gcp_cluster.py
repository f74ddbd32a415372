"""What breaks each rule for GKE clusters."""

from policies.gcp import cluster
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

PRIVATE = "gcp-prod"
CLUSTER = cluster.CLUSTER

MUTATIONS: dict[Rule, Mutation] = {
    cluster.cluster_private_nodes: Mutation(PRIVATE, without(CLUSTER, "privateClusterConfig", "enablePrivateNodes")),
    cluster.cluster_endpoint_restricted: Mutation(
        PRIVATE, setting(CLUSTER, True, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "enableK8sTokensViaDns")
    ),
    cluster.cluster_secrets_encrypted: Mutation(PRIVATE, without(CLUSTER, "databaseEncryption")),
    cluster.cluster_workload_identity: Mutation(PRIVATE, without(CLUSTER, "workloadIdentityConfig")),
    cluster.cluster_binary_authorization: Mutation(PRIVATE, without(CLUSTER, "binaryAuthorization")),
    cluster.cluster_release_channel: Mutation(PRIVATE, without(CLUSTER, "releaseChannel")),
    cluster.cluster_no_alpha: Mutation(PRIVATE, setting(CLUSTER, True, "enableKubernetesAlpha")),
    cluster.cluster_network_policy: Mutation(PRIVATE, without(CLUSTER, "datapathProvider")),
    cluster.cluster_no_legacy_access: Mutation(
        PRIVATE, setting(CLUSTER, True, "masterAuth", "clientCertificateConfig", "issueClientCertificate")
    ),
    cluster.cluster_logs_and_metrics: Mutation(PRIVATE, without(CLUSTER, "loggingConfig", "enableComponents", 1)),
    cluster.cluster_security_posture: Mutation(PRIVATE, setting(CLUSTER, "DISABLED", "securityPostureConfig", "mode")),
    cluster.cluster_deletion_protection: Mutation(PRIVATE, setting(CLUSTER, False, "deletionProtection")),
    cluster.cluster_intranode_visibility: Mutation(PRIVATE, without(CLUSTER, "enableIntranodeVisibility")),
}
