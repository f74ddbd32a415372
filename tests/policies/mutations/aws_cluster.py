"""What breaks each rule for EKS clusters and their add-ons."""

from policies.aws import cluster, cluster_addons
from policies.aws.cluster import ACCESS_ENTRY, CLUSTER
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

MUTATIONS: dict[Rule, Mutation] = {
    cluster.private_endpoint: Mutation("prod", without(CLUSTER, "vpcConfig", "endpointPrivateAccess")),
    cluster.public_endpoint_narrow: Mutation("prod", without(CLUSTER, "vpcConfig", "endpointPublicAccess")),
    cluster.secrets_encrypted: Mutation("prod", without(CLUSTER, "encryptionConfig")),
    cluster.control_plane_logs: Mutation("prod", setting(CLUSTER, ["api"], "enabledClusterLogTypes")),
    cluster.version_supported: Mutation("prod", setting(CLUSTER, "1.30", "version")),
    cluster.access_entries: Mutation(
        "prod", setting(CLUSTER, "API_AND_CONFIG_MAP", "accessConfig", "authenticationMode")
    ),
    cluster.no_hidden_administrator: Mutation(
        "prod", without(CLUSTER, "accessConfig", "bootstrapClusterCreatorAdminPermissions")
    ),
    cluster.deletion_protection: Mutation("prod", without(CLUSTER, "deletionProtection")),
    cluster.entries_for_roles: Mutation(
        "prod", setting(ACCESS_ENTRY, "arn:aws:iam::123456789012:user/ada", "principalArn")
    ),
    cluster_addons.addon_own_role: Mutation(
        "corpus/aws_cluster", without(cluster_addons.ADDON, "serviceAccountRoleArn", name="vpc-cni")
    ),
}
