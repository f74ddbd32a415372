"""Command lines that remove what is left, the parts of ARNs, and what tags tell: pure."""

import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.teardown.aws.commands import command, empty_bucket
from lifecycle.teardown.aws.ownership import mark_of, tag_map
from lifecycle.teardown.aws.tagging import parse_arn
from lifecycle.teardown.subject import Subject
from tests.lifecycle.teardown.test_subject import make_subject

PRINTABLE = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1).filter(
    str.isprintable
)


@given(PRINTABLE)
def test_a_shell_hands_on_the_very_value(value: str) -> None:
    words = shlex.split(command("eu-west-1", "logs delete-log-group --log-group-name {name}", name=value))
    assert words[:3] == ["aws", "logs", "delete-log-group"]
    assert words[-2:] == ["--region", "eu-west-1"]
    if value.startswith("-"):
        assert words[3:-2] == [f"--log-group-name={value}"]
    else:
        assert words[3:-2] == ["--log-group-name", value]


@pytest.mark.parametrize("value", ["", "a\nrm -rf /", "a\x1b[2K", "a\u202eb", "a\u2028b"])
def test_what_would_not_be_run_as_it_is_shown_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a command line"):
        command("eu-west-1", "ec2 delete-volume --volume-id {id}", id=value)


@given(PRINTABLE.filter(lambda text: not text.startswith("-")))
def test_a_bucket_s_name_stays_one_word_in_its_loop(name: str) -> None:
    lexer = shlex.shlex(empty_bucket("eu-west-1", name).replace("$(", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    assert list(lexer).count(name) >= 2


@pytest.mark.parametrize(
    ("arn", "service", "kind", "name"),
    [
        ("arn:aws:s3:::models", "s3", "", "models"),
        ("arn:aws-cn:ec2:cn-north-1:1:volume/vol-1", "ec2", "volume", "vol-1"),
        ("arn:aws:sns:eu-west-1:1:topic", "sns", "", "topic"),
        ("arn:aws:logs:eu-west-1:1:log-group:/aws/eks/a/cluster:*", "logs", "log-group", "/aws/eks/a/cluster"),
        ("arn:aws:eks:eu-west-1:1:nodegroup/cluster/group/1", "eks", "nodegroup", "cluster/group/1"),
        ("arn:aws:ecr:eu-west-1:1:repository/a/b", "ecr", "repository", "a/b"),
        ("arn:aws:states:eu-west-1:1:stateMachine:end", "states", "stateMachine", "end"),
    ],
)  # fmt: skip
def test_arns_have_parts(arn: str, service: str, kind: str, name: str) -> None:
    parsed = parse_arn(arn)
    assert (parsed.arn, parsed.service, parsed.type, parsed.id) == (arn, service, kind, name)


@pytest.mark.parametrize("text", ["", "arn:aws:s3", "vol-1", "urn:a:b:c:d:e"])
def test_what_is_no_arn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ARN"):
        parse_arn(text)


@pytest.mark.parametrize(
    "tags",
    [
        {"project": "trainyard", "stack": "dev"},
        {"kubernetes.io/cluster/trainyard-dev": "owned"},
        {"kubernetes.io/cluster/trainyard-dev": ""},
        {"elbv2.k8s.aws/cluster": "trainyard-dev"},
        {"cluster.k8s.amazonaws.com/name": "trainyard-dev"},
        {"KubernetesCluster": "trainyard-dev", "ebs.csi.aws.com/cluster": "true"},
        {"eks:eks-cluster-name": "trainyard-dev", "project": "other"},
        {"aws:eks:cluster-name": "trainyard-dev", "stack": "dev"},
    ],
)
def test_tags_of_the_stack_and_its_cluster_are_known(tags: dict[str, str]) -> None:
    assert mark_of(make_subject(), tags)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"project": "trainyard"},
        {"stack": "dev"},
        {"project": "trainyard", "stack": "dev-2"},
        {"project": "trainyard", "stack": "Dev"},
        {"ebs.csi.aws.com/cluster": "true"},
        {"kubernetes.io/cluster/trainyard-dev": "shared"},
        {"kubernetes.io/cluster/trainyard-dev-2": "owned"},
        {"kubernetes.io/cluster/trainyard-dev2": "owned"},
        {"elbv2.k8s.aws/cluster": "trainyard-dev-2"},
        {"elbv2.k8s.aws/cluster": "trainyard-dev", "project": "trainyard", "stack": "other"},
        {"Name": "trainyard-dev"},
    ],
)
def test_tags_of_others_are_not(tags: dict[str, str]) -> None:
    assert mark_of(make_subject(), tags) == ""


@given(st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=20))
def test_the_cluster_of_another_stack_is_never_this_one_s(stack: str) -> None:
    subject: Subject = make_subject()
    other = f"trainyard-{stack}"
    expected = other == subject.cluster_name
    for tags in (
        {f"kubernetes.io/cluster/{other}": "owned"},
        {"elbv2.k8s.aws/cluster": other},
        {"project": "trainyard", "stack": stack},
    ):
        assert bool(mark_of(subject, tags)) == expected


def test_tags_are_read_in_both_spellings() -> None:
    assert tag_map([{"Key": "a", "Value": "b"}, {"key": "c", "value": "d"}]) == {"a": "b", "c": "d"}
    assert tag_map(None) == {}
