"""Cases of the rules on how much a grant on Google Cloud is for."""

from dataclasses import replace

from policies.cases import Cases, made
from policies.gcp import identity_scope
from policies.gcp.identity_cases import BUCKET_MEMBER, PROJECT_BINDING, PROJECT_MEMBER, PROJECT_POLICY, TRAIN, granted
from policies.resources import Resource

ACCOUNT_MEMBER = "gcp:serviceaccount/iAMMember:IAMMember"
ACCOUNT_BINDING = "gcp:serviceaccount/iAMBinding:IAMBinding"
ACCOUNT = made("gcp:serviceaccount/account:Account", "train")
ROLE = made("gcp:projects/iAMCustomRole:IAMCustomRole", "reader")
ACTING = "roles/iam.workloadIdentityUser"
READING = "roles/storage.objectViewer"
POOL = "principalSet://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/ci"
GKE = "principalSet://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/p.svc.id.goog"
AGENT = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
OWN_BUCKET = 'resource.name.startsWith("projects/_/buckets/models")'


def acts(namespace: str, account: str = "projects/p/serviceAccounts/train", name: str = "training") -> Resource:
    """Lets the pods of a service account of Kubernetes act by an account of Google's."""
    member = f"serviceAccount:p.svc.id.goog[{namespace}/{name}]"
    given = {"serviceAccountId": account, "role": ACTING, "member": member}
    return made(ACCOUNT_MEMBER, f"{namespace}-{name}", given)


def acts_by_new(namespace: str) -> Resource:
    """The same, of an account that is not there yet."""
    known = {name: value for name, value in acts(namespace).properties.items() if name != "serviceAccountId"}
    return made(ACCOUNT_MEMBER, namespace, known, refers={"serviceAccountId": ACCOUNT})


CASES = (
    Cases(
        identity_scope.identity_data_narrow,
        passing=[
            granted(PROJECT_MEMBER, "roles/viewer", TRAIN),
            granted(PROJECT_MEMBER, READING, TRAIN, condition=OWN_BUCKET),
            granted(PROJECT_MEMBER, READING, TRAIN, condition="resource.name=='projects/_/buckets/models'"),
            granted(BUCKET_MEMBER, READING, TRAIN, condition='resource.type == "storage.googleapis.com/Bucket"'),
            granted(PROJECT_MEMBER, READING, AGENT),
            granted(BUCKET_MEMBER, "roles/storage.objectAdmin", TRAIN),
            made(PROJECT_MEMBER, "it", {"member": TRAIN}, refers={"role": ROLE}),
        ],
        failing=[
            (granted(PROJECT_MEMBER, READING, TRAIN), "roles/storage.objectViewer is granted on everything there."),
            (granted(PROJECT_MEMBER, "roles/storage.folderAdmin", TRAIN), "roles/storage.folderAdmin is granted"),
            *(
                (granted(PROJECT_MEMBER, "roles/storage.objectAdmin", TRAIN, condition=each), "granted on everything")
                for each in (
                    'resource.name != ""',
                    'resource.name == ""',
                    'resource.name.startsWith("")',
                    'resource.name.startsWith("projects/_/buckets/")',
                    '!resource.name.startsWith("projects/_/buckets/models")',
                    'resource.type == "storage.googleapis.com/Object"',
                )
            ),
            (granted(PROJECT_BINDING, "roles/cloudkms.cryptoKeyDecrypter", TRAIN), "roles/cloudkms.cryptoKeyDecrypter"),
            (
                granted(PROJECT_POLICY, "roles/secretmanager.secretAccessor", TRAIN),
                "secretAccessor is granted on every",
            ),
            (
                granted(PROJECT_MEMBER, READING, TRAIN, condition='request.time < timestamp("2027-01-01T00:00:00Z")'),
                "on",
            ),
        ],
    ),
    Cases(
        identity_scope.identity_workloads_named,
        passing=[
            acts("research"),
            granted(ACCOUNT_MEMBER, ACTING, f"{POOL}/attribute.repository/example/trainyard"),
            granted(
                ACCOUNT_MEMBER, ACTING, POOL.replace("principalSet", "principal") + "/subject/repo:example/it:main"
            ),
            granted(BUCKET_MEMBER, READING, "group:readers@example.org"),
            made(BUCKET_MEMBER, "it", {"role": READING}, refers={"member": ACCOUNT}),
        ],
        failing=[
            (granted(ACCOUNT_MEMBER, ACTING, f"{POOL}/*"), "is granted to every identity of its pool."),
            (granted(BUCKET_MEMBER, READING, f"{GKE}/namespace/research"), "to every pod of the namespace research."),
            (
                granted(ACCOUNT_BINDING, ACTING, f"{GKE}/kubernetes.cluster/https://container.googleapis.com/v1/c"),
                "every pod of a cluster",
            ),
            (granted(ACCOUNT_MEMBER, ACTING, f"{POOL}/attribute.repository_owner/us"), "to every repository of us."),
        ],
    ),
    Cases(
        identity_scope.teams_accounts_not_shared,
        passing=[
            [acts("research"), acts("research", name="serving"), acts("speech", "projects/p/serviceAccounts/speech")],
            [acts_by_new("research"), acts("speech")],
            [granted(ACCOUNT_MEMBER, ACTING, f"{POOL}/attribute.repository/a/b"), acts("speech")],
            [
                acts("research"),
                replace(acts("speech"), properties={**acts("speech").properties, "role": "roles/viewer"}),
            ],
        ],
        failing=[
            ([acts("research"), acts("speech")], "Pods of research and speech act by the same service account."),
            ([acts_by_new("research"), acts_by_new("speech")], "Pods of research and speech act by"),
            (
                made(
                    ACCOUNT_BINDING,
                    "both",
                    {
                        "serviceAccountId": "train",
                        "role": ACTING,
                        "members": ["serviceAccount:p.svc.id.goog[a/x]", "serviceAccount:p.svc.id.goog[b/x]"],
                    },
                ),
                "Pods of a and b act by the same",
            ),
        ],
    ),
)
