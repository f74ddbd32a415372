"""Names and ARNs: valid for AWS whatever a stack is called, and another one for another stack."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.naming import Names

STACKS = st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"], include_characters="-_."), min_size=1)


def names(stack: str, region: str = "eu-west-1") -> Names:
    return Names("trainyard", stack, "123456789012", region)


@given(STACKS, st.sampled_from(["datasets", "checkpoints", "models", "logs", "access"]))
def test_every_name_is_valid(stack: str, purpose: str) -> None:
    of = names(stack, "ap-southeast-1")
    # Sources: S3 user guide, "Bucket naming rules"; EKS, IAM and ECR API references.
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", of.bucket(purpose))
    assert re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9-]{0,99}", of.cluster)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", of.prefix)
    assert len(of.prefix) <= 30
    for role in ("training", "github-deploy-configuration", "x" * 200):
        assert re.fullmatch(r"[\w+=,.@-]{1,64}", of.role(role))
        # What a policy allows for the stack's roles covers each of them.
        assert of.role_arn(role).startswith(of.role_arn("*").removesuffix("*"))
    assert re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*/training", of.repository("training"))
    assert re.fullmatch(r"alias/[\w/-]{1,250}", of.key_alias("data"))
    # Source: ECR API reference, CreatePullThroughCacheRule.
    assert re.fullmatch(r"[a-z0-9]+([._-][a-z0-9]+)*/quay", of.cached_repository("quay"))
    assert 2 <= len(of.cached_repository("quay")) <= 30


@given(STACKS, st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True))
def test_the_roles_of_teams_are_told_from_the_stacks_own_by_their_names(stack: str, team: str) -> None:
    of = names(stack)
    every = of.every_team_role_arn.removesuffix("*")
    arns = of.team_role_arns(team, ["loader", "training", "serving"])
    assert len(set(arns)) == 3
    assert all(arn.startswith(every) for arn in arns)
    assert not [purpose for purpose in ("training", "node", "github-deploy") if of.role_arn(purpose).startswith(every)]


@given(STACKS, STACKS)
def test_two_stacks_share_no_name(one: str, other: str) -> None:
    if one != other:
        for name in ("cluster", "prefix", "cluster_log_group"):
            assert getattr(names(one), name) != getattr(names(other), name)
        assert names(one).bucket("models") != names(other).bucket("models")
        assert names(one).role("training") != names(other).role("training")


@given(STACKS, STACKS)
def test_what_covers_a_stacks_names_covers_no_other_stacks(one: str, other: str) -> None:
    if one != other:
        for name in ("role", "queue", "event_rule", "key_alias", "log_group", "repository", "cached_repository"):
            covered = getattr(names(one), name)("*").removesuffix("*")
            assert not getattr(names(other), name)("x").startswith(covered)


def test_a_plain_stack_is_called_what_it_is() -> None:
    of = names("dev")
    assert of.bucket("models") == "trainyard-dev-models-123456789012-eu-west-1"
    assert of.role_arn("training") == "arn:aws:iam::123456789012:role/trainyard-dev_training"
    assert of.cluster_arn == "arn:aws:eks:eu-west-1:123456789012:cluster/trainyard-dev"
    assert of.repository("serving") == "trainyard-dev/serving"


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
)
def test_partitions_of_their_own_have_arns_of_their_own(region: str, partition: str, suffix: str) -> None:
    of = names("dev", region)
    assert of.partition == partition
    assert of.dns_suffix == suffix
    assert of.bucket_arn("models").startswith(f"arn:{partition}:s3:::trainyard-dev-models-")
    assert of.iam_arn("root") == f"arn:{partition}:iam::123456789012:root"
