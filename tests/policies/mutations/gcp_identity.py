"""What breaks each rule for IAM and for Cloud KMS keys on Google Cloud."""

from dataclasses import replace

from policies.cases import made
from policies.gcp import identity, identity_scope, keys
from policies.resources import Resource
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, adding, setting, without

NARROW = "corpus/gcp_identity"
STACK = "gcp-prod"
PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
ACCOUNT_MEMBER = "gcp:serviceaccount/iAMMember:IAMMember"
BOTH = "both@ml-platform-example.iam.gserviceaccount.com"
EVERYBODY = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/*"
BINDING = "gcp:projects/iAMBinding:IAMBinding"
SERVICE_ACCOUNT_KEY = made("gcp:serviceaccount/key:Key", "deployer", {"serviceAccountId": "deployer"})


def shared_with(member: str) -> Change:
    """Lets another namespace's pods act by the account of training, too."""

    def change(resources: list[Resource]) -> list[Resource]:
        [training] = [each for each in resources if (each.type, each.name) == (ACCOUNT_MEMBER, "identity-training")]
        properties = {**training.properties, "member": member}
        return [*resources, replace(training, name="shared", urn=f"{training.urn}-shared", properties=properties)]

    return change


MUTATIONS: dict[Rule, Mutation] = {
    identity.no_public_members: Mutation(NARROW, setting(BINDING, "allAuthenticatedUsers", "members", 0)),
    identity.no_basic_roles: Mutation(NARROW, setting(BINDING, "roles/editor", "role")),
    identity.no_broad_impersonation: Mutation(NARROW, setting(BINDING, "roles/iam.serviceAccountUser", "role")),
    identity.no_account_keys: Mutation(NARROW, adding(SERVICE_ACCOUNT_KEY)),
    identity.federation_narrow: Mutation(NARROW, without(identity.PROVIDER, "attributeCondition")),
    identity.custom_role_no_escalation: Mutation(
        NARROW, setting(identity.CUSTOM_ROLES[0], "iam.serviceAccountKeys.create", "permissions", 0)
    ),
    keys.key_rotation: Mutation(STACK, without(keys.KEY, "rotationPeriod")),
    keys.key_destruction_delay: Mutation(STACK, setting(keys.KEY, "86400s", "destroyScheduledDuration")),
    keys.key_protected: Mutation("corpus/gcp_buckets", without(keys.KEY, "deletionPolicy")),
    keys.key_duties_separated: Mutation(
        STACK,
        adding(
            *(
                made(PROJECT_MEMBER, f"both-{index}", {"role": role, "member": f"serviceAccount:{BOTH}"})
                for index, role in enumerate(("roles/cloudkms.admin", "roles/cloudkms.cryptoOperator"))
            )
        ),
        also=[identity_scope.identity_data_narrow.id],
    ),
    identity_scope.identity_data_narrow: Mutation(
        STACK,
        adding(
            made(
                PROJECT_MEMBER, "everything", {"role": "roles/storage.objectAdmin", "member": f"serviceAccount:{BOTH}"}
            )
        ),
    ),
    identity_scope.identity_workloads_named: Mutation(STACK, setting(ACCOUNT_MEMBER, EVERYBODY, "member")),
    identity_scope.teams_accounts_not_shared: Mutation(
        STACK, shared_with("serviceAccount:ml-platform-example.svc.id.goog[speech/training]")
    ),
}
