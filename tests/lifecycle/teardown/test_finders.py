"""What finders make of answers that moto does not give: things in use, on their way out, or part of something else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle.teardown.aws import disks, identities, load_balancers, network, networks, nodes, records, stores
from lifecycle.teardown.aws.calls import Calls
from lifecycle.teardown.aws.found import Finder, Found, Search, Tagged
from tests.lifecycle.teardown.test_subject import make_subject

TAGS = [{"Key": "kubernetes.io/cluster/trainyard-dev", "Value": "owned"}]
NETWORK = {"VpcId": "vpc-1", "Tags": [{"Key": "project", "Value": "trainyard"}, {"Key": "stack", "Value": "dev"}]}
INTERFACE = {"NetworkInterfaceId": "eni-1", "OwnerId": "123456789012", "VpcId": "vpc-1", "Status": "in-use"}


class Answers(Calls):
    """Answers of AWS by the name of the operation; all others are empty lists."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("eu-west-1")
        self._answers = answers

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._answers[operation]
        return answer

    def all(self, service: str, operation: str, key: str = "", **parameters: Any) -> Iterator[Any]:
        yield from self._answers.get(operation, [])


@pytest.mark.parametrize(
    ("interface", "removal"),
    [
        ({}, ["ec2 delete-network-interface --network-interface-id eni-1"]),
        (
            {"Attachment": {"AttachmentId": "eni-attach-1", "InstanceId": "i-1", "DeleteOnTermination": False}},
            [
                "ec2 detach-network-interface --force --attachment-id eni-attach-1",
                "ec2 wait network-interface-available --network-interface-ids eni-1",
                "ec2 delete-network-interface --network-interface-id eni-1",
            ],
        ),
        (
            {"Attachment": {"AttachmentId": "eni-attach-1", "InstanceId": "i-1", "DeleteOnTermination": True}},
            ["ec2 terminate-instances --instance-ids i-1", "ec2 wait instance-terminated --instance-ids i-1"],
        ),
        (
            {"Description": "ELB net/k8s-a-b/0123", "Attachment": {"AttachmentId": "ela-attach-1"}},
            [
                "elbv2 delete-load-balancer --load-balancer-arn "
                "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/k8s-a-b/0123"
            ],
        ),
        ({"Description": "ELB a0123"}, ["elb delete-load-balancer --load-balancer-name a0123"]),
        (
            {"Description": "Interface for NAT Gateway nat-1", "RequesterManaged": True},
            ["ec2 delete-nat-gateway --nat-gateway-id nat-1", "ec2 wait nat-gateway-deleted --nat-gateway-ids nat-1"],
        ),
        (
            {"Description": "VPC Endpoint Interface vpce-1", "RequesterManaged": True},
            ["ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-1"],
        ),
        (
            {
                "Description": "Amazon EKS trainyard-dev",
                "RequesterManaged": True,
                "Attachment": {"AttachmentId": "a-1"},
            },
            ["ec2 delete-network-interface --network-interface-id eni-1"],
        ),
    ],
)
def test_an_interface_goes_as_what_it_belongs_to_lets_it(interface: dict[str, Any], removal: list[str]) -> None:
    found = look(network.find_interfaces, describe_vpcs=[NETWORK], describe_network_interfaces=[INTERFACE | interface])
    assert lines(found) == removal


@pytest.mark.parametrize(
    ("described", "network_id", "named"),
    [
        ("Amazon EKS trainyard-dev", "vpc-2", True),
        ("Amazon EKS trainyard-dev-2", "vpc-2", False),
        ("aws-K8S-i-0123456789abcdef0", "vpc-2", False),
        ("aws-K8S-i-0123456789abcdef0", "vpc-1", True),
        ("ELB app/k8s-trainyard-dev/1", "vpc-2", False),
    ],
)
def test_a_description_alone_seldom_tells_whose_an_interface_is(described: str, network_id: str, named: bool) -> None:
    interface = INTERFACE | {"Description": described, "VpcId": network_id}
    found = look(network.find_interfaces, describe_vpcs=[NETWORK], describe_network_interfaces=[interface])
    assert bool(found) == named


def test_an_address_is_let_go_of_by_what_uses_it() -> None:
    address = {"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1", "Tags": NETWORK["Tags"]}
    used = address | {"AssociationId": "eipassoc-1", "NetworkInterfaceId": "eni-1"}
    release = "ec2 release-address --allocation-id eipalloc-1"
    assert lines(look(network.find_addresses, describe_addresses=[address])) == [release]
    foreign = look(network.find_addresses, describe_addresses=[used])
    assert lines(foreign) == ["ec2 disassociate-address --association-id eipassoc-1", release]
    own = look(
        network.find_addresses,
        describe_addresses=[used],
        describe_vpcs=[NETWORK],
        describe_network_interfaces=[INTERFACE],
    )
    assert lines(own) == [release]


def test_a_volume_is_detached_first_or_goes_with_its_instance() -> None:
    volume = {"VolumeId": "vol-1", "Size": 8, "State": "in-use", "Tags": TAGS}
    kept = {"Attachments": [{"InstanceId": "i-1", "DeleteOnTermination": False}]}
    assert lines(look(disks.find_volumes, describe_volumes=[volume | kept])) == [
        "ec2 detach-volume --force --volume-id vol-1",
        "ec2 wait volume-available --volume-ids vol-1",
        "ec2 delete-volume --volume-id vol-1",
    ]
    gone = {"Attachments": [{"InstanceId": "i-1", "DeleteOnTermination": True}]}
    assert lines(look(disks.find_volumes, describe_volumes=[volume | gone]))[0].startswith("ec2 terminate-instances")


def test_a_protected_cluster_is_unprotected_first() -> None:
    cluster = {"cluster": {"status": "ACTIVE", "deletionProtection": True}}
    assert lines(look(nodes.find_clusters, describe_cluster=cluster)) == [
        "eks update-cluster-config --name trainyard-dev --no-deletion-protection",
        "eks delete-cluster --name trainyard-dev",
        "eks wait cluster-deleted --name trainyard-dev",
    ]


GOING: list[tuple[Any, dict[str, Any]]] = [
    (disks.find_volumes, {"describe_volumes": [{"VolumeId": "vol-1", "State": "deleting", "Tags": TAGS}]}),
    (network.find_gateways, {"describe_nat_gateways": [{"NatGatewayId": "nat-1", "State": "deleted", "Tags": TAGS}]}),
    (
        networks.find_networks,
        {"describe_vpc_endpoints": [{"VpcEndpointId": "vpce-1", "State": "deleting", "Tags": TAGS}]},
    ),
    (
        nodes.find_instances,
        {
            "describe_instances": [
                {"Instances": [{"InstanceId": "i-1", "State": {"Name": "shutting-down"}, "Tags": TAGS}]}
            ]
        },
    ),
    (
        nodes.find_groups,
        {"describe_auto_scaling_groups": [{"AutoScalingGroupName": "a", "Status": "Delete in progress", "Tags": TAGS}]},
    ),
    (nodes.find_clusters, {"describe_cluster": {"cluster": {"status": "DELETING"}}}),
    (records.find_schedules, {"get_schedule_group": {"State": "DELETING"}}),
    (
        stores.find_keys,
        {
            "list_aliases": [{"AliasName": "alias/trainyard-dev/data", "TargetKeyId": "1234"}],
            "describe_key": {
                "KeyMetadata": {"KeyState": "PendingDeletion", "DeletionDate": datetime(2026, 12, 3, tzinfo=UTC)}
            },
        },
    ),
]


@pytest.mark.parametrize(("find", "answers"), GOING, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_on_its_way_out_is_not_left(find: Any, answers: dict[str, Any]) -> None:
    found = look(find, **answers)
    assert [(each.fate, each.leftover.removal) for each in found] == [("going", ())]


def test_every_finder_is_content_with_nothing() -> None:
    families = (nodes, load_balancers, network, disks, networks, records, stores, identities)
    finders: list[Finder] = [each for family in families for each in family.FINDERS]
    assert len({each.words for each in finders}) == len(finders)
    named = {"describe_cluster": {"cluster": {"status": "DELETING"}}, "get_schedule_group": {"State": "DELETING"}}
    for finder in finders:
        if finder.find is not records.find_budget:
            assert all(each.fate == "going" for each in look(finder.find, **named))


def test_the_tagging_api_alone_makes_no_bucket_and_no_key() -> None:
    tagged = [Tagged("arn:aws:s3:::gone", "s3", "", "gone")]
    assert list(stores.find_buckets(Search(Answers(list_buckets=[]), make_subject(), tagged))) == []
    there = Answers(list_buckets=[{"Name": "gone"}, {"Name": "trainyard-dev-2-models-123456789012-eu-west-1"}])
    assert [each.leftover.id for each in stores.find_buckets(Search(there, make_subject(), tagged))] == ["gone"]


def look(find: Any, **answers: Any) -> list[Found]:
    """What a finder makes of answers."""
    return list(find(Search(Answers(**answers), make_subject(), ())))


def lines(found: list[Found]) -> list[str]:
    """The commands of the only thing that was found, without what all of them have."""
    assert [each.fate for each in found] == ["left"]
    return [line.removeprefix("aws ").removesuffix(" --region eu-west-1") for line in found[0].leftover.removal]
