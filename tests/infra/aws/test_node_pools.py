"""The pools of nodes: what every node is protected by, how capacity is bought, and what an empty pool tells."""

import base64
import email
from typing import Any

import pulumi
import pytest
import yaml

from infra.aws.gpu_pools import GpuPools
from infra.aws.instance_settings import GpuPoolSettings
from infra.aws.naming import Names
from infra.aws.node_pool import PoolSurroundings
from tests.infra.recorder import Registered, Resources, provision, record

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:eks/nodeGroup:NodeGroup"
BLOCK = {
    "capacity": "reserved",
    "instance_types": ["p5.48xlarge"],
    "zones": ["eu-west-1a"],
    "capacity_reservation_id": "cr-0123456789abcdef0",
    "tightly_coupled": True,
}

SURROUNDINGS = PoolSurroundings(
    names=Names("trainyard", "dev", "123456789012", "eu-west-1"),
    cluster_name="trainyard-dev",
    cluster_version="1.35",
    cluster_security_group_id="sg-cluster",
    vpc_id="vpc-1",
    subnet_ids={"eu-west-1a": "subnet-a", "eu-west-1b": "subnet-b"},
    node_role_arn="arn:aws:iam::123456789012:role/node",
    volumes_key_arn="arn:aws:kms:eu-west-1:123456789012:key/1",
    tags={"stack": "dev"},
)

pytestmark = pytest.mark.xdist_group("aws platforms")


def pool(settings: dict[str, Any]) -> Resources:
    """A pool by itself, in a region of which nobody knows what it offers."""
    one = GpuPoolSettings.model_validate(settings)
    return record(lambda: GpuPools("gpu", {"one": one}, SURROUNDINGS))


@pytest.fixture(params=["dev", "prod"])
def resources(request: pytest.FixtureRequest) -> Resources:
    return provision(request.param)


def test_every_node_is_protected(resources: Resources) -> None:
    templates = resources.all(TEMPLATE)
    assert len(templates) == len(resources.all(GROUP)) >= 2
    for template in templates:
        assert template.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }
        (disk,) = template.inputs["blockDeviceMappings"]
        volume = disk["ebs"]
        assert (volume["volumeType"], volume["encrypted"], volume["deleteOnTermination"]) == ("gp3", "true", "true")
        assert volume["kmsKeyId"] == "arn:aws:mock:::keys-volumes"
        assert volume["volumeSize"] == (50 if template.name == "system" else 200)
        assert template.inputs["monitoring"] == {"enabled": True}
        assert template.inputs["updateDefaultVersion"] is True
        assert not {"keyName", "imageId", "iamInstanceProfile", "vpcSecurityGroupIds"} & template.inputs.keys()
        for interface in template.inputs.get("networkInterfaces", []):
            assert not interface.get("associatePublicIpAddress")
    for group in resources.all(GROUP):
        assert not {"remoteAccess", "diskSize"} & group.inputs.keys()
        assert group.inputs["nodeRepairConfig"] == {"enabled": True}
        assert group.inputs["updateConfig"] == {"maxUnavailable": 1}


def test_what_nodes_are_made_of_carries_the_stacks_tags(resources: Resources) -> None:
    for template in resources.all(TEMPLATE):
        specifications = {each["resourceType"]: each["tags"] for each in template.inputs["tagSpecifications"]}
        assert {*specifications} == {"instance", "volume", "network-interface"}
        for tags in specifications.values():
            assert {"project", "stack", "owner", "cost_centre", "Name"} <= tags.keys()
            # Another value would be another template, and every node replaced.
            assert "expires_at" not in tags
        # The node termination handler looks after instances with this tag only.
        assert specifications["instance"]["aws-node-termination-handler/managed"] == "true"


def test_the_role_of_nodes_is_for_nodes_only(resources: Resources) -> None:
    attached = [
        each
        for each in resources.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.name.startswith("node-")
    ]
    assert {each.inputs["policyArn"].rpartition("/")[2] for each in attached} == {
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonSSMManagedInstanceCore",
    }


def group_of(resources: Resources, name: str) -> Registered:
    return resources.one(GROUP, name)


def test_there_are_nodes_on_demand_for_the_cluster_itself(resources: Resources) -> None:
    group = group_of(resources, "system")
    assert group.inputs["capacityType"] == "ON_DEMAND"
    assert group.inputs["amiType"] == "AL2023_x86_64_STANDARD"
    assert not group.inputs.get("taints")
    assert group.inputs["scalingConfig"]["minSize"] >= 1


def test_a_spot_pool_has_several_types_in_all_zones_and_is_empty_at_first() -> None:
    group = group_of(provision("dev"), "gpu-training")
    assert group.inputs["capacityType"] == "SPOT"
    assert group.inputs["instanceTypes"] == ["g5.xlarge", "g4dn.xlarge", "g4dn.2xlarge"]
    assert group.inputs["scalingConfig"] == {"minSize": 0, "desiredSize": 0, "maxSize": 4}
    assert group.inputs["amiType"] == "AL2023_x86_64_NVIDIA"
    assert group.inputs["subnetIds"] == [f"network-private-eu-west-1{zone}-id" for zone in "ab"]
    assert group.inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert group.inputs["labels"]["trainyard.dev/capacity"] == "spot"


def test_how_many_nodes_there_are_is_the_autoscalers_business() -> None:
    ignored: dict[str, list[str]] = {}

    def remember(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == GROUP:
            ignored[args.name] = [*(args.opts.ignore_changes or [])]

    settings = GpuPoolSettings.model_validate({"capacity": "spot", "instance_types": ["g5.xlarge"], "max_nodes": 2})
    options = pulumi.ResourceOptions(transformations=[remember])
    record(lambda: GpuPools("gpu", {"one": settings}, SURROUNDINGS, options))
    assert ignored == {"gpu-one": ["scalingConfig.desiredSize"]}


def test_an_on_demand_pool_names_its_gpu() -> None:
    group = group_of(provision("prod"), "gpu-serving")
    assert group.inputs["capacityType"] == "ON_DEMAND"
    assert group.inputs["labels"]["trainyard.dev/gpu"] == "A10G"
    assert group.inputs["labels"]["k8s.amazonaws.com/accelerator"] == "nvidia-a10g"


def test_a_reserved_pool_runs_in_its_capacity_block() -> None:
    resources = pool({**BLOCK, "tightly_coupled": False})
    template, group = resources.one(TEMPLATE, "gpu-one"), group_of(resources, "gpu-one")
    assert template.inputs["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert template.inputs["instanceType"] == "p5.48xlarge"
    assert template.inputs["capacityReservationSpecification"] == {
        "capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"}
    }
    assert group.inputs["capacityType"] == "CAPACITY_BLOCK"
    assert "instanceTypes" not in group.inputs
    assert group.inputs["subnetIds"] == ["subnet-a"]


def test_no_other_pool_names_a_type_or_a_market_in_its_template(resources: Resources) -> None:
    for template in resources.all(TEMPLATE):
        unwanted = {"instanceType", "instanceMarketOptions", "capacityReservationSpecification"}
        assert not unwanted & template.inputs.keys()


@pytest.mark.parametrize(
    ("types", "cards"),
    [
        (["p5.48xlarge"], range(32)),
        (["p4d.24xlarge"], range(4)),
        (["g5.12xlarge"], range(1)),
        (["g5.xlarge"], range(0)),
        # Its first card has no adapter.
        (["p6-b300.48xlarge"], range(1, 17)),
        (["p5.48xlarge", "p4d.24xlarge"], range(4)),
        (["p6-b300.48xlarge", "p4d.24xlarge"], range(1, 4)),
        (["g5.8xlarge", "g5.4xlarge"], range(0)),
    ],
)
def test_tightly_coupled_nodes_are_together_with_a_fabric_where_the_types_have_one(
    types: list[str], cards: range
) -> None:
    resources = pool(
        {"capacity": "on_demand", "instance_types": types, "zones": ["eu-west-1b"], "tightly_coupled": True}
    )
    template = resources.one(TEMPLATE, "gpu-one")
    placement = resources.one("aws:ec2/placementGroup:PlacementGroup")
    assert placement.inputs["strategy"] == "cluster"
    assert template.inputs["placement"] == {"groupName": placement.inputs["name"]}
    interfaces = [
        (each["networkCardIndex"], each["deviceIndex"], each["interfaceType"])
        for each in template.inputs.get("networkInterfaces", [])
    ]
    adapters = [(card, 1 if card == 0 else 0, "efa-only") for card in cards]
    assert interfaces == ([(0, 0, "interface"), *adapters] if cards else [])
    assert all("associatePublicIpAddress" not in each for each in template.inputs.get("networkInterfaces", []))
    assert len(resources.all("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")) == min(len(cards), 1)
    hint = "k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa"
    assert hints(resources, "gpu-one").get(hint) == (str(len(cards)) if cards else None)


def test_a_capacity_block_keeps_its_own_placement_and_has_the_fabric() -> None:
    resources = pool(BLOCK)
    assert resources.all("aws:ec2/placementGroup:PlacementGroup") == []
    template = resources.one(TEMPLATE, "gpu-one")
    assert "placement" not in template.inputs
    assert len(template.inputs["networkInterfaces"]) == 33


def test_the_fabric_reaches_the_pools_own_nodes_only() -> None:
    resources = pool(BLOCK)
    primary, *adapters = resources.one(TEMPLATE, "gpu-one").inputs["networkInterfaces"]
    assert primary["securityGroups"] == ["sg-cluster"]
    (fabric,) = {group for each in adapters for group in each["securityGroups"]}
    assert fabric == "gpu-one-fabric-id"
    for kind in ("Ingress", "Egress"):
        rule = resources.one(f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule", "gpu-one-fabric")
        assert rule.inputs["securityGroupId"] == rule.inputs["referencedSecurityGroupId"] == fabric
        assert rule.inputs["ipProtocol"] == "-1"


def test_the_instances_own_disks_are_joined_where_asked_for() -> None:
    template = provision("dev").one(TEMPLATE, "gpu-training")
    document = email.message_from_bytes(base64.b64decode(template.inputs["userData"]))
    assert document.get_content_type() == "multipart/mixed"
    (part,) = (each for each in document.walk() if not each.is_multipart())
    assert part.get_content_type() == "application/node.eks.aws"
    configuration = yaml.safe_load(str(part.get_payload()))
    assert configuration == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"instance": {"localStorage": {"strategy": "RAID0"}}},
    }
    assert "userData" not in provision("dev").one(TEMPLATE, "system").inputs


def hints(resources: Resources, name: str) -> dict[str, str]:
    """Tags of a node group that the autoscaler reads: EKS hands them to it, and none on to instances."""
    tags = group_of(resources, name).inputs["tags"]
    return {key: value for key, value in tags.items() if key.startswith("k8s.io/cluster-autoscaler/")}


def test_an_empty_pool_tells_the_autoscaler_what_a_node_would_have() -> None:
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert hints(provision("dev"), "gpu-training") == {
        f"{prefix}/label/trainyard.dev/pool": "training",
        f"{prefix}/label/trainyard.dev/capacity": "spot",
        f"{prefix}/label/nvidia.com/gpu.present": "true",
        f"{prefix}/label/k8s.amazonaws.com/accelerator": "nvidia",
        f"{prefix}/taint/nvidia.com/gpu": "present:NoSchedule",
        f"{prefix}/resources/nvidia.com/gpu": "1",
        # What the kubelet offers of the smallest of the types' own disks (125 GB), where pods' files lie.
        f"{prefix}/resources/ephemeral-storage": "103Gi",
    }
    assert hints(provision("prod"), "gpu-serving")[f"{prefix}/resources/ephemeral-storage"] == "179Gi"
