"""The single machine: private, reached by Session Manager, changed by settings."""

import json
from typing import Any

import pytest

from tests.infra.recorder import Resources, provision

INSTANCE = "aws:ec2/instance:Instance"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
STATE = "aws:ec2transitgateway/instanceState:InstanceState"

pytestmark = pytest.mark.xdist_group("aws platforms")


def machine(stack: str = "dev", **settings: Any) -> Resources:
    return provision(stack, {"machine": {"instance_type": "g5.xlarge", **settings}})


def test_there_is_none_unless_asked_for() -> None:
    assert provision("dev").all(INSTANCE) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_it_is_private_and_protected(stack: str) -> None:
    resources = machine(stack)
    inputs = resources.one(INSTANCE).inputs
    assert inputs["associatePublicIpAddress"] is False
    assert "keyName" not in inputs
    assert inputs["subnetId"] == "network-private-eu-west-1a-id"
    assert inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert inputs["monitoring"] is True
    assert inputs["ebsOptimized"] is True
    assert inputs["disableApiTermination"] is (stack == "prod")
    # Who deploys may replace it all the same.
    assert inputs["forceDestroy"] is True
    (disk,) = resources.one(TEMPLATE, "machine-1").inputs["blockDeviceMappings"]
    assert disk["ebs"]["encrypted"] == "true"
    assert disk["ebs"]["kmsKeyId"] == "arn:aws:mock:::keys-volumes"


def test_nothing_comes_in_and_only_tls_goes_out() -> None:
    resources = machine()
    assert resources.one(INSTANCE).inputs["vpcSecurityGroupIds"] == ["machine-id"]
    assert resources.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") == []
    rule = resources.one("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule").inputs
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 443, 443)
    attached = resources.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "machine")
    assert attached.inputs["policyArn"] == "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def difference(before: Resources, after: Resources) -> dict[str, Any]:
    """Inputs that differ, by `NAME.INPUT`; resources that are new or gone, by name."""
    old = {(each.type, each.name): each.inputs for each in before.registered}
    new = {(each.type, each.name): each.inputs for each in after.registered}
    found: dict[str, Any] = {name: "new" for type_, name in new.keys() - old.keys()}
    found |= {name: "gone" for type_, name in old.keys() - new.keys()}
    for key in old.keys() & new.keys():
        for field in old[key].keys() | new[key].keys():
            if old[key].get(field) != new[key].get(field):
                found[f"{key[1]}.{field}"] = new[key].get(field)
    return found


def test_a_resize_changes_the_type_and_tells_the_state_anew() -> None:
    """EC2 starts what it has resized, so a machine that is to be stopped has to be stopped again."""
    before, after = machine(state="stopped"), machine(state="stopped", instance_type="g5.2xlarge")
    assert difference(before, after) == {
        "machine-1.instanceType": "g5.2xlarge",
        "machine-1-g5-xlarge": "gone",
        "machine-1-g5-2xlarge": "new",
    }
    assert after.one(STATE).inputs["state"] == "stopped"


def test_to_stop_it_changes_its_state_and_nothing_else() -> None:
    assert difference(machine(), machine(state="stopped")) == {"machine-1-g5-xlarge.state": "stopped"}


def test_another_image_alone_does_not_replace_it() -> None:
    changed = difference(machine(), machine(image="ami-0123456789abcdef0"))
    assert changed == {"machine-1.imageId": "ami-0123456789abcdef0"}
    assert machine().one(INSTANCE).inputs["launchTemplate"] == {"id": "machine-1-id", "version": "1"}


def test_another_generation_is_a_new_machine() -> None:
    changed = difference(machine(), machine(generation=2))
    assert [changed.pop(gone) for gone in ("machine-1", "machine-1-g5-xlarge")] == ["gone", "gone"]
    assert [changed.pop(new) for new in ("machine-2", "machine-2-g5-xlarge")] == ["new", "new"]
    # What ends it when the stack expires is for the new one.
    assert changed.keys() == {"expiry-machine.target", "expiry.policy"}
    assert json.loads(changed["expiry-machine.target"]["input"]) == {"InstanceIds": ["machine-2-id"]}


def test_what_runs_on_it_may_do_what_the_training_may() -> None:
    resources = machine()
    policies = {each.name: each.document() for each in resources.all("aws:iam/rolePolicy:RolePolicy")}
    assert policies["machine"] == policies["identity-training"]


def test_it_hibernates_where_its_type_can() -> None:
    assert machine(instance_type="m7i.large", hibernation=True).one(INSTANCE).inputs["hibernation"] is True
    assert "hibernation" not in machine().one(INSTANCE).inputs
