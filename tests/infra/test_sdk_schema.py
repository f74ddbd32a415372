"""The schema that the providers' SDKs have, and what AWS's stacks say against it; Google Cloud's are in `gcp`."""

import pytest

from tests.infra.aws.test_network import PRIVATE
from tests.infra.recorder import provision
from tests.infra.sdk_schema import listed_values, properties_of, read, resource_class

CLUSTER = "gcp:container/cluster:Cluster"
BUCKET = "gcp:storage/bucket:Bucket"

NOT_ALL_LISTED = {
    "aws:eks/accessEntry:AccessEntry type": "The SDK tells the default, STANDARD, apart from the others that it lists",
}
"""Properties whose documentation does not list every value in one place."""

AWS_CHANGES = [
    {},
    {**PRIVATE, "identity.mechanism": "irsa"},
    {"machine.instance_type": "g5.xlarge", "machine.hibernation": False, "registry.pull_through": True},
    {"kubernetes.teams": {"vision": {}}, "cluster.public_access_cidrs": ["198.51.100.0/24"]},
]
pytestmark = pytest.mark.xdist_group("aws platforms")
KARPENTER = {"kubernetes.addons": {"node_autoscaler": "karpenter"}}


CASES = [*((stack, changes) for stack in ("dev", "prod") for changes in AWS_CHANGES), ("dev", KARPENTER)]


@pytest.mark.parametrize(
    ("stack", "changes"), CASES, ids=lambda case: ",".join(case) if isinstance(case, dict) else case
)
def test_every_property_of_aws_is_one_of_the_sdk_s(stack: str, changes: dict[str, object]) -> None:
    problems = []
    for each in provision(stack, changes).registered:
        if each.type.startswith("aws:"):
            reading = read(each.type, each.inputs)
            unlisted = [value.problem for value in reading.values if value.place not in NOT_ALL_LISTED]
            problems += [f"{each.type} {each.name}: {problem}" for problem in [*reading.problems, *unlisted] if problem]
    assert problems == []


def test_a_resource_that_the_sdk_does_not_know_is_told() -> None:
    assert resource_class(CLUSTER).__name__ == "Cluster"
    with pytest.raises(LookupError, match="no such resource"):
        resource_class("gcp:container/cluster:Claster")


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"locaton": "europe-west4"}, "locaton: no such property is an input"),
        # Google answers it; nobody gives it.
        ({"endpoint": "10.0.0.2"}, "endpoint: no such property is an input"),
        ({"resource_labels": {}}, "resource_labels: no such property is an input"),
        ({"initialNodeCount": "1"}, "initialNodeCount: must be int, not '1'"),
        ({"initialNodeCount": True}, "initialNodeCount: must be int, not True"),
        ({"deletionProtection": "false"}, "deletionProtection: must be bool, not 'false'"),
        ({"nodeLocations": "europe-west4-a"}, "nodeLocations: must be Sequence, not 'europe-west4-a'"),
        ({"resourceLabels": {"owner": 1}}, "resourceLabels[owner]: must be str, not 1"),
        ({"releaseChannel": "REGULAR"}, "releaseChannel: must be an object, not 'REGULAR'"),
        ({"releaseChannel": {}}, "releaseChannel.channel: is required"),
        ({"binaryAuthorization": {"enabled": True}}, "binaryAuthorization.enabled: is deprecated"),
        (
            {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidr": "10.0.0.0/8"}]}},
            "masterAuthorizedNetworksConfig.cidrBlocks.cidr: no such property is an input",
        ),
    ],
)
def test_what_is_wrong_is_told(inputs: dict[str, object], problem: str) -> None:
    assert problem in read(CLUSTER, inputs).problems


def test_what_is_required_of_a_resource_is_told() -> None:
    assert read(BUCKET, {"name": "datasets"}).problems == ["location: is required"]
    assert read(BUCKET, {"name": "datasets", "location": "EUROPE-WEST4"}).problems == []


def test_values_are_told_with_what_is_possible() -> None:
    reading = read(CLUSTER, {"releaseChannel": {"channel": "SLOW"}, "resourceLabels": {"owner": "somebody"}})
    assert reading.problems == []
    channel, owner = reading.values
    assert (channel.place, channel.value) == (f"{CLUSTER} releaseChannel.channel", "SLOW")
    assert channel.possible == {"UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"}
    assert (owner.path, owner.possible) == ("resourceLabels[owner]", frozenset())


@pytest.mark.parametrize(
    ("documentation", "values"),
    [
        ("Possible values are: `ALL`, `ERRORS_ONLY`.", {"ALL", "ERRORS_ONLY"}),
        ('Possible values: ["INGRESS", "EGRESS"]', {"INGRESS", "EGRESS"}),
        ('Acceptable values are "inherited" or "enforced". If "inherited", it is', {"inherited", "enforced"}),
        ("Accepted values are:\n* FAST: Weekly\n* SLOW: Monthly\n\nMore.", {"FAST", "SLOW"}),
        ("The state\n* `ON` - it runs\nPossible values are:\n* `OFF` - it does not", {"OFF"}),
        ("Can be MIGRATE or TERMINATE, for more", {"MIGRATE", "TERMINATE"}),
        ("`ENCRYPTED` or `DECRYPTED`", {"ENCRYPTED", "DECRYPTED"}),
        ("Options are `A_ONE` (default) or `A_TWO`.", {"A_ONE", "A_TWO"}),
        ("The AWS KMS key, for the API.", set()),
        ("A name, such as `datasets`.", set()),
    ],
)
def test_enumerations_are_read_from_documentation(documentation: str, values: set[str]) -> None:
    assert listed_values(documentation) == values


def test_the_sdk_says_what_is_deprecated_and_required() -> None:
    import pulumi_gcp as gcp

    properties = properties_of(gcp.container.ClusterBinaryAuthorizationArgs)
    assert properties["enabled"].deprecated
    assert not properties["evaluationMode"].deprecated
    assert properties_of(gcp.container.ClusterReleaseChannelArgs)["channel"].required
