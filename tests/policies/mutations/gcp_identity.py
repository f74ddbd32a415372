"""What breaks each rule for IAM and for Cloud KMS keys on Google Cloud."""

from policies.cases import made
from policies.gcp import identity, keys
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, adding, setting, without

NARROW = "corpus/gcp_identity"
BINDING = "gcp:projects/iAMBinding:IAMBinding"
SERVICE_ACCOUNT_KEY = made("gcp:serviceaccount/key:Key", "deployer", {"serviceAccountId": "deployer"})

MUTATIONS: dict[Rule, Mutation] = {
    identity.no_public_members: Mutation(NARROW, setting(BINDING, "allAuthenticatedUsers", "members", 0)),
    identity.no_basic_roles: Mutation(NARROW, setting(BINDING, "roles/editor", "role")),
    identity.no_broad_impersonation: Mutation(NARROW, setting(BINDING, "roles/iam.serviceAccountUser", "role")),
    identity.no_account_keys: Mutation(NARROW, adding(SERVICE_ACCOUNT_KEY)),
    identity.federation_narrow: Mutation(NARROW, without(identity.PROVIDER, "attributeCondition")),
    identity.custom_role_no_escalation: Mutation(
        NARROW, setting(identity.CUSTOM_ROLES[0], "iam.serviceAccountKeys.create", "permissions", 0)
    ),
    keys.key_rotation: Mutation("corpus/gcp_buckets", without(keys.KEY, "rotationPeriod")),
    keys.key_destruction_delay: Mutation("corpus/gcp_buckets", setting(keys.KEY, "86400s", "destroyScheduledDuration")),
    keys.key_protected: Mutation("corpus/gcp_buckets", without(keys.KEY, "deletionPolicy")),
}
