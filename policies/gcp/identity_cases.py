"""Cases of the rules for IAM on Google Cloud."""

import json
from dataclasses import replace
from typing import Any

from policies.cases import Cases, made
from policies.gcp import identity
from policies.resources import Resource

PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
PROJECT_BINDING = "gcp:projects/iAMBinding:IAMBinding"
PROJECT_POLICY = "gcp:projects/iAMPolicy:IAMPolicy"
FOLDER_MEMBER = "gcp:folder/iAMMember:IAMMember"
BUCKET_MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
KEY_BINDING = "gcp:kms/cryptoKeyIAMBinding:CryptoKeyIAMBinding"
TOPIC_POLICY = "gcp:pubsub/topicIAMPolicy:TopicIAMPolicy"
RUN_MEMBER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"

ACCOUNT = made("gcp:serviceaccount/account:Account", "train")
AGENT = made("gcp:projects/serviceIdentity:ServiceIdentity", "pubsub")
WITHIN = replace(AGENT, urn="urn:pulumi:dev::trainyard::own:Messages$gcp:projects/serviceIdentity:ServiceIdentity::it")
TRAIN = "serviceAccount:train@p.iam.gserviceaccount.com"
TOKENS = "roles/iam.serviceAccountTokenCreator"
PROJECT_ADMIN = "roles/resourcemanager.projectIamAdmin"
OF_BUCKETS = 'resource.type == "storage.googleapis.com/Bucket"'
GRANTING_VIEWER = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/viewer'])"
GITHUB = "https://token.actions.githubusercontent.com"


def granted(type_: str, role: str, *members: str, condition: str = "") -> Resource:
    """An IAM resource of that type, by which the members get the role."""
    limit = {"condition": {"title": "limit", "expression": condition}} if condition else {}
    if type_.endswith("Policy"):
        return made(type_, "it", {"policyData": json.dumps({"bindings": [{"role": role, "members": members}]})})
    given = {"members": list(members)} if type_.endswith("Binding") else {"member": members[0]}
    return made(type_, "it", {"role": role, **given, **limit})


def provider(condition: str, issuer: str = GITHUB, **properties: Any) -> Resource:
    """A provider of a workload identity pool with that condition."""
    given = {"attributeCondition": condition} if condition else {}
    return made(identity.PROVIDER, "ci", {"oidc": {"issuerUri": issuer}, **given, **properties})


def role(*permissions: str) -> Resource:
    """A custom role of these permissions."""
    return made(identity.CUSTOM_ROLES[0], "deployer", {"permissions": list(permissions)})


CASES = (
    Cases(
        identity.no_public_members,
        passing=[
            granted(BUCKET_MEMBER, "roles/storage.objectViewer", TRAIN),
            granted(KEY_BINDING, "roles/cloudkms.viewer", TRAIN, "group:all@example.org"),
            granted(TOPIC_POLICY, "roles/pubsub.publisher", TRAIN),
            made(identity.ENTRIES[0], "team", {"entity": "group-team@example.org", "role": "READER"}),
            made(identity.LISTS[0], "team", {"predefinedAcl": "projectPrivate"}),
            made(identity.LISTS[2], "team", {"roleEntities": ["READER:group-team@example.org"]}),
            made(identity.DATASET, "own", {"accesses": [{"role": "OWNER", "specialGroup": "projectOwners"}]}),
            made(identity.DATASET_ACCESS, "team", {"role": "READER", "groupByEmail": "team@example.org"}),
        ],
        failing=[
            (granted(BUCKET_MEMBER, "roles/storage.objectViewer", "allUsers"), "objectViewer is granted to allUsers"),
            (granted(KEY_BINDING, "roles/cloudkms.viewer", TRAIN, "allAuthenticatedUsers"), "allAuthenticatedUsers"),
            (granted(TOPIC_POLICY, "roles/pubsub.publisher", "allUsers"), "publisher is granted to allUsers"),
            (granted(RUN_MEMBER, "roles/run.invoker", "allUsers"), "run.invoker is granted to allUsers"),
            (granted(PROJECT_MEMBER, "roles/viewer", "allAuthenticatedUsers"), "roles/viewer is granted to all"),
            (made(identity.ENTRIES[1], "all", {"entity": "allUsers", "role": "READER"}), "open to allUsers"),
            (made(identity.LISTS[0], "all", {"predefinedAcl": "publicRead"}), "is publicRead"),
            (made(identity.LISTS[2], "all", {"roleEntities": ["READER:allUsers"]}), "open to READER:allUsers"),
            (
                made(
                    identity.DATASET,
                    "all",
                    {
                        "accesses": [
                            {"role": "OWNER", "userByEmail": "a@example.org"},
                            {"role": "READER", "specialGroup": "allAuthenticatedUsers"},
                        ]
                    },
                ),
                "The data set is open to allAuthenticatedUsers.",
            ),
            (made(identity.DATASET_ACCESS, "all", {"iamMember": "allUsers"}), "The data set is open to allUsers."),
        ],
    ),
    Cases(
        identity.no_basic_roles,
        passing=[
            granted(PROJECT_MEMBER, "roles/container.developer", TRAIN),
            granted(PROJECT_BINDING, "roles/viewer", "group:auditors@example.org"),
            granted(PROJECT_POLICY, "roles/browser", TRAIN),
            granted(PROJECT_BINDING, "roles/editor", "serviceAccount:12345@cloudservices.gserviceaccount.com"),
        ],
        failing=[
            (granted(PROJECT_MEMBER, "roles/editor", TRAIN), "roles/editor is granted"),
            (granted(PROJECT_BINDING, "roles/owner", "group:team@example.org"), "roles/owner is granted"),
            (granted(FOLDER_MEMBER, "roles/editor", TRAIN), "roles/editor is granted"),
            (granted(PROJECT_POLICY, "roles/editor", TRAIN), "roles/editor is granted"),
            (granted(PROJECT_MEMBER, "roles/admin", "user:a@example.org"), "roles/admin is granted"),
            (granted(FOLDER_MEMBER, "roles/writer", TRAIN), "roles/writer is granted"),
            (
                granted(
                    PROJECT_BINDING, "roles/editor", "serviceAccount:12345@cloudservices.gserviceaccount.com", TRAIN
                ),
                "roles/editor is granted",
            ),
            ([ACCOUNT, made(PROJECT_MEMBER, "it", {"role": "roles/owner"}, refers={"member": ACCOUNT})], "is granted"),
        ],
    ),
    Cases(
        identity.no_broad_impersonation,
        passing=[
            granted("gcp:serviceaccount/iAMMember:IAMMember", TOKENS, TRAIN),
            granted(PROJECT_MEMBER, TOKENS, "serviceAccount:service-12345@gcp-sa-pubsub.iam.gserviceaccount.com"),
            [AGENT, made(PROJECT_MEMBER, "push", {"role": TOKENS}, refers={"member": AGENT})],
            [WITHIN, made(PROJECT_MEMBER, "push", {"role": TOKENS}, refers={"member": WITHIN})],
            granted(PROJECT_MEMBER, "roles/iam.serviceAccountViewer", TRAIN),
            granted(
                PROJECT_MEMBER,
                "roles/iam.serviceAccountUser",
                TRAIN,
                condition="resource.name.endsWith('/serviceAccounts/12345')",
            ),
            granted(PROJECT_MEMBER, TOKENS, TRAIN, condition='resource.name == "projects/-/serviceAccounts/12345"'),
            granted(PROJECT_MEMBER, "roles/iam.securityAdmin", TRAIN, condition=OF_BUCKETS),
            granted(PROJECT_MEMBER, "roles/iam.serviceAccountAdmin", TRAIN, condition=GRANTING_VIEWER),
            granted(
                PROJECT_BINDING,
                PROJECT_ADMIN,
                TRAIN,
                condition=GRANTING_VIEWER,
            ),
        ],
        failing=[
            (granted(PROJECT_MEMBER, TOKENS, TRAIN), "granted for every service account at once"),
            (
                granted(PROJECT_BINDING, "roles/iam.serviceAccountUser", "user:a@example.org"),
                "for every service account",
            ),
            ([ACCOUNT, made(PROJECT_MEMBER, "it", {"role": TOKENS}, refers={"member": ACCOUNT})], "for every service"),
            (granted(PROJECT_POLICY, "roles/iam.securityAdmin", TRAIN), "and with it every other role"),
            (
                granted(FOLDER_MEMBER, TOKENS, TRAIN, condition="request.time < timestamp('2030-01-01T00:00:00Z')"),
                "for every service account",
            ),
            *(
                (granted(PROJECT_MEMBER, PROJECT_ADMIN, TRAIN, condition=each), "and with it every other role")
                for each in (
                    'resource.type != "x"',
                    'resource.type == "cloudresourcemanager.googleapis.com/Project"',
                    'resource.name != ""',
                    "!resource.name.startsWith('projects/_/buckets/b')",
                    f"!({GRANTING_VIEWER})",
                )
            ),
            *(
                (granted(PROJECT_MEMBER, TOKENS, TRAIN, condition=each), "for every service account")
                # Who grants no role fulfils the latter.
                for each in ('resource.type == "iam.googleapis.com/ServiceAccount"', GRANTING_VIEWER)
            ),
        ],
    ),
    Cases(
        identity.no_account_keys,
        passing=[ACCOUNT],
        failing=[(made("gcp:serviceaccount/key:Key", "ci", {"serviceAccountId": "ci"}), "valid until it is deleted")],
    ),
    Cases(
        identity.federation_narrow,
        passing=[
            provider("assertion.repository_owner == 'example'"),
            provider("assertion.sub.startsWith('repo:example/')"),
            provider("attribute.repo in ['example/a']", attributeMapping={"attribute.repo": "assertion.repository"}),
            provider("assertion.namespace_path == 'example'", "https://gitlab.com"),
            provider("", "https://sts.windows.net/5b3a/"),
            provider("", f"{GITHUB}/example-enterprise"),
            provider("", disabled=True),
            made(identity.PROVIDER, "aws", {"aws": {"accountId": "123456789012"}}),
        ],
        failing=[
            (provider(""), "Everybody whom token.actions.githubusercontent.com vouches for"),
            (provider("", "https://accounts.google.com"), "Everybody whom accounts.google.com vouches for"),
            (provider("assertion.ref == 'refs/heads/main'"), "does not say which owner's"),
            (provider("assertion.repository != ''"), "does not say which owner's"),
            (provider("assertion.sub.startsWith('repo:')"), "does not say which owner's"),
            (provider("attribute.ref == 'main'", attributeMapping={"attribute.ref": "assertion.ref"}), "does not say"),
        ],
    ),
    Cases(
        identity.custom_role_no_escalation,
        passing=[role("container.clusters.get", "iam.serviceAccounts.actAs"), role("storage.buckets.setIamPolicy")],
        failing=[
            (role("container.clusters.get", "resourcemanager.projects.setIamPolicy"), "resourcemanager.projects"),
            (role("iam.serviceAccountKeys.create"), "The role has iam.serviceAccountKeys.create."),
            (role("iam.serviceAccounts.getAccessToken"), "iam.serviceAccounts.getAccessToken"),
        ],
    ),
)
