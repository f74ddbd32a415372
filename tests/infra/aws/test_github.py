"""The roles for GitHub Actions: whose token may take them, and what they reach.

Policies are evaluated by moto's own evaluator without their conditions, which it does not know; the conditions are
read.
"""

import json

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.infra.recorder import Resources, provision

ACCOUNT = "123456789012"
STATE = {"identity.github.state_bucket": "pulumi-state"}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture
def resources() -> Resources:
    return provision("prod", {**STATE, "identity.permissions_boundary_arn": BOUNDARY})


def may(resources: Resources, role: str, action: str, resource: str) -> bool:
    results = []
    for policy in resources.all("aws:iam/policy:Policy"):
        if policy.name.startswith(f"github-{role}-"):
            document = policy.document()
            for statement in document["Statement"]:
                statement.pop("Condition", None)
            results.append(IAMPolicy(json.dumps(document)).is_action_permitted(action, resource))
    assert results
    return PermissionResult.PERMITTED in results and PermissionResult.DENIED not in results


DATA = "arn:aws:s3:::trainyard-prod-models-123456789012-eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainyard-prod_cluster"
SCHEDULE = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule"
STATE_MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"


@pytest.mark.parametrize(
    ("action", "resource", "preview", "deploy"),
    [
        ("s3:GetBucketPolicy", DATA, True, True),
        ("s3:GetObject", f"{DATA}/digits/model", False, False),
        ("s3:PutObject", f"{DATA}/digits/model", False, False),
        ("s3:PutBucketPolicy", DATA, False, True),
        ("s3:PutBucketPolicy", "arn:aws:s3:::somebody-elses", False, False),
        ("s3:GetObject", "arn:aws:s3:::pulumi-state/.pulumi/stacks/trainyard/prod.json", True, True),
        ("s3:PutObject", "arn:aws:s3:::pulumi-state/.pulumi/stacks/trainyard/prod.json", False, True),
        ("iam:GetRole", ROLE, True, True),
        ("iam:CreateRole", ROLE, False, True),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/administrator", False, False),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/trainyard-prod-2_cluster", False, False),
        ("iam:PassRole", ROLE, False, True),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/administrator", False, False),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/trainyard-prod_github-deploy", False, False),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/trainyard-prod_github-preview", False, False),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", False, False),
        ("kms:DescribeKey", KEY, True, True),
        ("kms:Encrypt", KEY, False, False),
        ("eks:DescribeCluster", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/trainyard-prod", True, True),
        ("eks:CreateCluster", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/trainyard-prod", False, True),
        ("eks:DeleteCluster", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/another", False, False),
        ("ec2:DescribeVpcs", "*", True, True),
        ("ec2:CreateVpc", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/*", False, True),
        ("sqs:CreateQueue", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:trainyard-prod_interruptions", False, True),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:trainyard-prod_interruptions", False, False),
        ("scheduler:GetSchedule", f"{SCHEDULE}/trainyard-prod/gpu-training", True, True),
        ("scheduler:UpdateSchedule", f"{SCHEDULE}/trainyard-prod/gpu-training", False, True),
        ("scheduler:UpdateSchedule", f"{SCHEDULE}/trainyard-prod-2/gpu-training", False, False),
        ("scheduler:CreateScheduleGroup", f"{SCHEDULE}-group/trainyard-prod", False, True),
        ("scheduler:DeleteScheduleGroup", f"{SCHEDULE}-group/default", False, False),
        ("states:CreateStateMachine", f"{STATE_MACHINE}:trainyard-prod_expiry-nodes", False, True),
        ("states:UpdateStateMachine", f"{STATE_MACHINE}:payroll", False, False),
        ("states:StartExecution", f"{STATE_MACHINE}:trainyard-prod_expiry-nodes", False, False),
        ("secretsmanager:GetSecretValue", "*", False, False),
        ("ssm:GetParameter", "*", False, False),
        ("organizations:LeaveOrganization", "*", False, False),
    ],
)
def test_preview_reads_and_deploy_changes_this_stack_only(
    resources: Resources, action: str, resource: str, preview: bool, deploy: bool
) -> None:
    assert may(resources, "preview", action, resource) is preview
    assert may(resources, "deploy", action, resource) is deploy


def trust(resources: Resources, role: str) -> dict[str, list[str] | str]:
    stated = resources.one("aws:iam/role:Role", f"github-{role}").statement("GitHubActions", "assumeRolePolicy")
    assert stated["Principal"] == {
        "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }
    condition: dict[str, list[str] | str] = stated["Condition"]["StringEquals"]
    assert stated["Condition"].keys() == {"StringEquals"}
    return condition


def test_only_named_jobs_of_the_repository_may_take_them(resources: Resources) -> None:
    issuer = "token.actions.githubusercontent.com"
    assert trust(resources, "preview") == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": ["repo:example/trainyard:pull_request", "repo:example/trainyard:ref:refs/heads/main"],
    }
    assert trust(resources, "deploy") == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": ["repo:example/trainyard:environment:production"],
    }


def test_subjects_have_the_numbers_of_a_repository_that_github_writes_them_of() -> None:
    resources = provision("prod", {"identity.github.immutable_ids": "1234/567890"})
    prefix = "repo:example@1234/trainyard@567890"
    subject = "token.actions.githubusercontent.com:sub"
    assert trust(resources, "preview")[subject] == [f"{prefix}:pull_request", f"{prefix}:ref:refs/heads/main"]
    assert trust(resources, "deploy")[subject] == [f"{prefix}:environment:production"]


def test_what_deploy_grants_is_bounded(resources: Resources) -> None:
    policy = resources.one("aws:iam/policy:Policy", "github-deploy-identity")
    assert policy.statement("GrantToRoles")["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert "iam:DeleteRolePermissionsBoundary" not in policy.statement("CareForRoles")["Action"]
    assert "iam:PassedToService" in policy.statement("PassRoles")["Condition"]["StringEquals"]


def test_deploy_changes_in_ec2_only_what_carries_the_stacks_tags(resources: Resources) -> None:
    own = {"project": "trainyard", "stack": "prod"}
    there = {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in own.items()}}
    asked = {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in own.items()}}
    network = resources.one("aws:iam/policy:Policy", "github-deploy-network")
    for statement in network.document()["Statement"]:
        condition = statement.get("Condition")
        match statement["Sid"]:
            case "MakeTagged":
                assert condition == asked
            case "MakeInOwn" | "ChangeOwn":
                assert condition == there
            case "TagMade":
                assert statement["Action"] == ["ec2:CreateTags"]
                assert {*condition["StringEquals"]} == {"ec2:CreateAction"}
            case "AdoptDefaultGroup":
                assert condition == {**asked, "Null": {"aws:ResourceTag/stack": "true"}}
            case _:
                assert not {each for each in statement["Action"] if each.startswith("ec2:")} - {"ec2:RunInstances"}


def test_every_policy_is_short_enough_for_iam(resources: Resources) -> None:
    policies = resources.all("aws:iam/policy:Policy")
    assert len(policies) == 7
    for policy in policies:
        assert len(policy.inputs["policy"]) <= 6144, policy.name
        assert len(policy.inputs["name"]) <= 128


def test_the_provider_is_made_once_an_account() -> None:
    kind = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    assert len(provision("prod").all(kind)) == 1
    assert provision("prod", {"identity.github.create_provider": False}).all(kind) == []
    assert [each for each in provision("dev").all("aws:iam/role:Role") if "github" in each.name] == []
