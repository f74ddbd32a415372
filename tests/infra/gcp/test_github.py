"""The identities for GitHub Actions: whose token may take them, and what they reach.

Conditions are evaluated by a stand-in for Google's evaluation (`conditions`).
"""

import re

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloud_settings import GitHubSettings
from infra.gcp.github import attribute_condition, pool_id, subjects
from infra.gcp.github_grants import granting, own_buckets, project_roles
from infra.gcp.naming import Names
from infra.gcp.services import apis_of
from infra.gcp.workload_roles import WORKLOAD_ROLES
from infra.settings import SettingsError
from tests.infra.gcp.conditions import BUCKET, OBJECT, Request, change_policy, get, holds
from tests.infra.recorder import Registered, Resources, provision, settings_of

PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
ACCOUNT_MEMBER = "gcp:serviceaccount/iAMMember:IAMMember"
BUCKET_MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
NAMES = Names("trainyard", "gcp-prod", "ml-platform-example", "123456789012", "europe-west4")
RING = "projects/ml-platform-example/locations/europe-west4/keyRings"

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.fixture
def resources() -> Resources:
    return provision("gcp-prod", {"identity.github.state_bucket": "pulumi-state"})


def member(part: str) -> str:
    accounts = {each.name: each for each in provision("gcp-prod").all("gcp:serviceaccount/account:Account")}
    account = accounts[f"github-{part}"].inputs["accountId"]
    return f"serviceAccount:{account}@ml-platform-example.iam.gserviceaccount.com"


def project_grants(resources: Resources, part: str) -> dict[str, Registered]:
    own = [each for each in resources.all(PROJECT_MEMBER) if each.inputs["member"] == member(part)]
    return {each.inputs["role"]: each for each in own}


def test_the_provider_lets_in_named_jobs_of_the_repository_alone(resources: Resources) -> None:
    provider = resources.one(PROVIDER)
    assert provider.inputs["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider.inputs["attributeCondition"] == (
        'assertion.repository == "example/trainyard" && assertion.sub in ["repo:example/trainyard:pull_request", '
        '"repo:example/trainyard:ref:refs/heads/main", "repo:example/trainyard:environment:production"]'
    )
    assert provider.inputs["attributeMapping"]["google.subject"] == "assertion.sub"


def test_each_account_is_acted_as_by_its_own_jobs_alone(resources: Resources) -> None:
    pool = resources.one(POOL).inputs["workloadIdentityPoolId"]
    beginning = (
        f"principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/{pool}/subject/"
    )
    for part, jobs in {
        "preview": ["repo:example/trainyard:pull_request", "repo:example/trainyard:ref:refs/heads/main"],
        "deploy": ["repo:example/trainyard:environment:production"],
    }.items():
        account = member(part).partition(":")[2]
        grants = [each for each in resources.all(ACCOUNT_MEMBER) if account in each.inputs["serviceAccountId"]]
        assert {each.inputs["role"] for each in grants} == {"roles/iam.workloadIdentityUser"}
        assert [each.inputs["member"] for each in grants] == [f"{beginning}{job}" for job in jobs]


IDS = {"identity.github.immutable_ids": "1234/567890"}


def test_subjects_have_the_numbers_of_a_repository_that_github_writes_them_of() -> None:
    resources = provision("gcp-prod", IDS)
    prefix = "repo:example@1234/trainyard@567890"
    jobs = [f"{prefix}:pull_request", f"{prefix}:ref:refs/heads/main", f"{prefix}:environment:production"]
    listed = ", ".join(f'"{job}"' for job in jobs)
    assert resources.one(PROVIDER).inputs["attributeCondition"] == (
        f'assertion.repository == "example/trainyard" && assertion.sub in [{listed}]'
    )
    members = [each.inputs["member"] for each in resources.all(ACCOUNT_MEMBER)]
    assert [each.partition("/subject/")[2] for each in members if "/subject/" in each] == [jobs[2], *jobs[:2]]


@pytest.mark.parametrize("numbers", ["1234", "1234/trainyard", "*/567890", "1234/567890/1", "0/1", "1234/*"])
def test_numbers_of_a_repository_are_two(numbers: str) -> None:
    with pytest.raises(
        SettingsError, match=r"github\.immutable_ids = .*: must be OWNER_ID/REPOSITORY_ID, both numbers"
    ):
        settings_of("gcp-prod", {"identity.github.immutable_ids": numbers})


def test_numbers_of_no_repository_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"github\.immutable_ids = .*: must be empty where no repository is named"):
        settings_of("gcp-dev", IDS)


def test_preview_reads_configuration_and_no_data(resources: Resources) -> None:
    [grant] = project_grants(resources, "preview").values()
    role = resources.one(ROLE, "github-preview")
    assert grant.inputs["role"].endswith(role.inputs["roleId"])
    for permission in role.inputs["permissions"]:
        assert re.search(r"\.(get|list|getIamPolicy|getAttestationRules)$", permission), permission
    whose = {permission.rpartition(".")[0] for permission in role.inputs["permissions"]}
    assert not whose & {
        "artifactregistry.files", "cloudkms.cryptoKeyVersions", "container.secrets", "iam.serviceAccountKeys",
        "logging.logEntries", "secretmanager.versions", "storage.objects",
    }  # fmt: skip


def test_preview_reads_a_pool_as_the_provider_does(resources: Resources) -> None:
    """Which lists its attestation rules each time. Source: IAM audit logging, ListAttestationRules."""
    needed = {"iam.workloadIdentityPools.get", "iam.workloadIdentityPools.getAttestationRules"}
    assert needed <= {*resources.one(ROLE, "github-preview").inputs["permissions"]}


def test_what_previews_and_what_deploys_reads_alike(resources: Resources) -> None:
    [role] = project_grants(resources, "preview")
    assert role in project_grants(resources, "deploy")


def test_pulumi_s_state_is_read_by_both_and_written_by_who_deploys(resources: Resources) -> None:
    state = [each for each in resources.all(BUCKET_MEMBER) if each.inputs["bucket"] == "pulumi-state"]
    assert {each.inputs["member"]: each.inputs["role"] for each in state} == {
        member("preview"): "roles/storage.objectViewer",
        member("deploy"): "roles/storage.objectUser",
    }
    assert not [each for each in provision("gcp-prod").all(BUCKET_MEMBER) if each.name.startswith("github")]


GRANTING = {
    "roles/artifactregistry.admin",
    "roles/cloudkms.admin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/resourcemanager.projectIamAdmin",
}
"""Roles that can change a policy, and have a condition on what is granted. `compute.instanceAdmin.v1` can, too."""
NEVER = {
    "roles/container.admin",
    "roles/editor",
    "roles/iam.roleAdmin",
    "roles/iam.securityAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/owner",
    "roles/secretmanager.secretAccessor",
    "roles/storage.admin",
    "roles/storage.objectViewer",
}
"""Roles on a whole project by which whoever deploys could take other rights, or read data."""


def test_deploy_has_no_role_on_the_project_by_which_it_could_take_others(resources: Resources) -> None:
    found = project_grants(resources, "deploy")
    # What it may do in the cluster is granted for that cluster alone.
    grants = {role: each for role, each in found.items() if each.name.startswith("github")}
    assert not NEVER & grants.keys()
    for role in GRANTING:
        assert "modifiedGrantsByRole" in grants[role].inputs["condition"]["expression"]
    for name in ("github-buckets", "github-accounts"):
        permissions = resources.one(ROLE, name).inputs["permissions"]
        assert not {"iam.serviceAccounts.setIamPolicy", "iam.serviceAccounts.actAs", "storage.objects.get"} & {
            *permissions
        }


def test_deploy_may_grant_on_the_project_what_nodes_have_and_nothing_else() -> None:
    resources = provision("gcp-prod", {"gpu_pools.training.image_streaming": True})
    grant = project_grants(resources, "deploy")["roles/resourcemanager.projectIamAdmin"]
    expression = grant.inputs["condition"]["expression"]

    def change(*roles: str) -> bool:
        return holds(expression, change_policy(PROJECT, "projects/ml-platform-example", *roles))

    nodes = {each.inputs["role"] for each in resources.all(PROJECT_MEMBER) if each.name in ("node", "node-streaming")}
    assert len(nodes) == 2
    for role in nodes:
        assert change(role)
    assert change(*nodes)
    assert change()
    for role in NEVER:
        assert not change(role)
        assert not change(*nodes, role)


def test_deploy_looks_after_its_own_buckets_and_grants_on_them_what_workloads_have(resources: Resources) -> None:
    role = resources.one(ROLE, "github-buckets")
    [grant] = [
        each
        for each in project_grants(resources, "deploy").values()
        if each.inputs["role"].endswith(role.inputs["roleId"])
    ]
    expression = grant.inputs["condition"]["expression"]
    for bucket in resources.all("gcp:storage/bucket:Bucket"):
        name = f"projects/_/buckets/{bucket.inputs['name']}"
        assert holds(expression, Request(BUCKET, name))
        assert holds(expression, change_policy(BUCKET, name, *WORKLOAD_ROLES))
        assert not holds(expression, change_policy(BUCKET, name, "roles/storage.admin"))
        assert holds(expression, get(bucket.inputs["name"], "digits/there"))
    for stranger in ("somebody-elses", "trainyard-gcp-prod-2-models-ml-platform-example"):
        assert not holds(expression, Request(BUCKET, f"projects/_/buckets/{stranger}"))
        assert not holds(expression, Request(OBJECT, f"projects/_/buckets/{stranger}/objects/digits/there"))
    granted = {
        each.inputs["role"] for each in resources.all(BUCKET_MEMBER) if each.name.startswith(("identity", "storage"))
    }
    assert granted <= {*WORKLOAD_ROLES}


def test_deploy_looks_after_its_own_keys_and_grants_their_use_alone(resources: Resources) -> None:
    expression = project_grants(resources, "deploy")["roles/cloudkms.admin"].inputs["condition"]["expression"]
    key = "cloudkms.googleapis.com/CryptoKey"
    members = resources.all("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    for each in members:
        assert holds(expression, change_policy(key, each.inputs["cryptoKeyId"], each.inputs["role"]))
        assert not holds(expression, change_policy(key, each.inputs["cryptoKeyId"], "roles/cloudkms.admin"))
    assert holds(expression, Request("cloud.googleapis.com/Location", RING.removesuffix("/keyRings")))
    assert not holds(expression, Request(key, f"{RING}/trainyard-gcp-prod-2-keys-1a2b3c4/cryptoKeys/keys-data-1a2b3c4"))


def test_deploy_acts_as_those_that_something_is_started_by() -> None:
    changes = {"machine.machine_type": "g2-standard-4"}
    for stack, changed, started in (
        ("gcp-prod", {}, {"node"}),
        ("gcp-prod", changes, {"node", "training"}),
        ("gcp-dev", {"identity.github.repository": "example/trainyard"}, {"node", "expiry"}),
    ):
        resources = provision(stack, changed)
        acts = [each for each in resources.all(ACCOUNT_MEMBER) if each.inputs["role"] == "roles/iam.serviceAccountUser"]
        who = {re.search(rf"/trainyard-{stack}-(\w+)@", each.inputs["serviceAccountId"]) for each in acts}
        assert {found.group(1) for found in who if found} == started
        assert len(acts) == len(started)
        assert len({each.inputs["member"] for each in acts}) == 1


def test_deploy_empties_buckets_only_where_they_go_with_what_they_hold() -> None:
    github = {"identity.github.repository": "example/trainyard"}
    for stack, empties in (("gcp-dev", True), ("gcp-prod", False)):
        permissions = provision(stack, github).one(ROLE, "github-buckets").inputs["permissions"]
        assert ("storage.objects.delete" in permissions) is empties
        assert "storage.objects.get" not in permissions


def test_what_is_not_used_is_not_granted() -> None:
    plain = settings_of("gcp-dev").gcp
    fewer = {each.role for each in project_roles(NAMES, apis_of(plain))}
    more = {each.role for each in project_roles(NAMES, apis_of(settings_of("gcp-prod").gcp, expires=True))}
    assert fewer < more
    assert {"roles/dns.admin", "roles/servicedirectory.editor", "roles/cloudscheduler.admin"} <= more - fewer
    for each in project_roles(NAMES, apis_of(plain)):
        assert each.why


def test_names_that_stay_taken_are_others_for_a_stack_that_is_made_anew(resources: Resources) -> None:
    pool = resources.one(POOL).inputs["workloadIdentityPoolId"]
    end = pool.rpartition("-")[2]
    assert re.fullmatch(r"[0-9a-f]{8}", end)
    for role in resources.all(ROLE):
        if role.name.startswith("github"):
            assert role.inputs["roleId"].endswith(f"_{end}")
            assert re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", role.inputs["roleId"])


@given(
    st.text("abzABZ019_.-", min_size=1, max_size=40),
    st.text("abz019-", min_size=1, max_size=40),
)
def test_the_pool_s_name_is_always_one_that_google_takes(project: str, stack: str) -> None:
    made = pool_id(Names(project, stack, "ml-platform-example", "123456789012", "europe-west4"), "01234567")
    assert re.fullmatch(r"(?!gcp-)[a-z0-9-]{4,32}", made)


def test_a_job_whose_name_is_too_long_is_refused() -> None:
    settings = GitHubSettings(repository=f"example/{'x' * 90}", deploy_environment="y" * 30)
    with pytest.raises(
        pulumi.RunError, match=r"trainyard:gcp\.identity\.github: must have shorter names: Google takes 127"
    ):
        subjects(settings, "gcp-prod")


def test_the_environment_is_the_stack_s_name_where_none_is_said() -> None:
    found = subjects(GitHubSettings(repository="example/trainyard"), "gcp-prod")
    assert found.deploy == ("repo:example/trainyard:environment:gcp-prod",)
    assert '"repo:example/trainyard:environment:gcp-prod"' in attribute_condition(
        GitHubSettings(repository="example/trainyard"), found
    )


def test_another_stack_s_pool_cannot_be_used() -> None:
    with pytest.raises(SettingsError, match=r"create_provider = false: must be true on Google Cloud"):
        settings_of("gcp-prod", {"identity.github.create_provider": False})


def test_a_stack_without_a_repository_has_no_identities_for_github() -> None:
    assert [each for each in provision("gcp-dev").registered if "github" in each.name] == []


ROLES = st.lists(st.sampled_from(["roles/a", "roles/b", "roles/c", "roles/owner"]), max_size=4)


@given(ROLES, ROLES)
def test_only_named_roles_can_be_granted(named: list[str], changed: list[str]) -> None:
    request = change_policy(PROJECT, "projects/ml-platform-example", *changed)
    assert holds(granting(*named), request) is ({*changed} <= {*named})


def test_a_condition_is_short_enough_for_google() -> None:
    """At most 12 logical operators, and 10 roles in a list. Source: IAM, "Quotas and limits"; "Set limits on granting
    roles"."""
    for expression in (own_buckets(NAMES), *(each.condition for each in project_roles(NAMES, tuple(ALL_APIS)))):
        assert len(re.findall(r"&&|\|\|", expression)) <= 12
        assert all(listed.count(",") < 10 for listed in re.findall(r"\[[^\[\]]+\]", expression))


ALL_APIS = apis_of(settings_of("gcp-prod").gcp, expires=True)
