"""The single machine: private, reached by Identity-Aware Proxy, changed by settings."""

from typing import Any

import pulumi
import pytest

from infra.gcp.machine import Machine, MachineArguments
from infra.gcp.machine_settings import MachineSettings
from infra.gcp.naming import Names
from infra.gcp.network import SSH_TAG
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.recorder import Resources, provision, record

INSTANCE = "gcp:compute/instance:Instance"
DISK = "gcp:compute/disk:Disk"
NAMES = Names("trainyard", "gcp-dev", PROJECT, NUMBER, REGION)
T4: dict[str, Any] = {"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4", "accelerator_count": 1}
KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/volumes"

pytestmark = pytest.mark.xdist_group("gcp platforms")


def machine(*, production: bool = False, opts: pulumi.ResourceOptions | None = None, **settings: Any) -> Resources:
    """The machine by itself."""
    arguments = MachineArguments(
        names=NAMES,
        settings=MachineSettings.model_validate({"machine_type": "g2-standard-4", **settings}),
        zone=f"{REGION}-a",
        subnetwork_id="projects/p/regions/r/subnetworks/nodes",
        volumes_key_id=KEY,
        service_account_email=NAMES.service_account("training"),
        production=production,
    )
    return record(lambda: Machine("machine", arguments, opts))


def test_there_is_none_unless_asked_for() -> None:
    assert provision("gcp-dev").all(INSTANCE) == []


def test_it_is_private_and_protected() -> None:
    resources = machine()
    inputs, disk = resources.one(INSTANCE).inputs, resources.one(DISK).inputs
    (interface,) = inputs["networkInterfaces"]
    assert not interface.keys() & {"accessConfigs", "ipv6AccessConfigs"}
    assert inputs["canIpForward"] is False
    assert inputs["shieldedInstanceConfig"] == {
        "enableSecureBoot": True,
        "enableVtpm": True,
        "enableIntegrityMonitoring": True,
    }
    assert inputs["metadata"] == {
        "enable-oslogin": "TRUE",
        "block-project-ssh-keys": "TRUE",
        "serial-port-enable": "FALSE",
    }
    assert disk["diskEncryptionKey"] == {"kmsKeySelfLink": KEY}
    assert inputs["deletionProtection"] is False
    assert machine(production=True).one(INSTANCE).inputs["deletionProtection"] is True


def test_ssh_reaches_it_by_identity_aware_proxy_and_nothing_else_does() -> None:
    resources = provision("gcp-dev", {"machine.machine_type": "g2-standard-4"})
    assert resources.one(INSTANCE).inputs["tags"] == [SSH_TAG]
    rules = [
        each.inputs
        for each in resources.all("gcp:compute/firewall:Firewall")
        if SSH_TAG in each.inputs.get("targetTags", [])
    ]
    (rule,) = rules
    assert rule["sourceRanges"] == ["35.235.240.0/20"]
    assert rule["allows"] == [{"protocol": "tcp", "ports": ["22"]}]


def test_what_runs_on_it_is_the_trainings_identity() -> None:
    resources = provision("gcp-dev", {"machine.machine_type": "g2-standard-4"})
    assert resources.one(INSTANCE).inputs["serviceAccount"]["email"] == NAMES.service_account("training")


def test_it_is_in_the_zone_of_the_setting_or_the_first() -> None:
    def zones(**settings: Any) -> set[str]:
        changes = {f"machine.{name}": value for name, value in {"machine_type": "g2-standard-4", **settings}.items()}
        resources = provision("gcp-dev", changes)
        return {each.inputs["zone"] for each in (resources.one(INSTANCE), resources.one(DISK))}

    assert zones() == {f"{REGION}-a"}
    assert zones(zone=f"{REGION}-b") == {f"{REGION}-b"}


@pytest.mark.parametrize(
    ("settings", "scheduling"),
    [
        (
            {},
            {
                "provisioningModel": "STANDARD",
                "preemptible": False,
                "automaticRestart": True,
                # A machine with a GPU cannot be moved.
                "onHostMaintenance": "TERMINATE",
            },
        ),
        (
            {"capacity": "spot"},
            {
                "provisioningModel": "SPOT",
                "preemptible": True,
                "automaticRestart": False,
                "onHostMaintenance": "TERMINATE",
                "instanceTerminationAction": "STOP",
            },
        ),
        (
            {"machine_type": "n2-standard-4"},
            {
                "provisioningModel": "STANDARD",
                "preemptible": False,
                "automaticRestart": True,
                "onHostMaintenance": "MIGRATE",
            },
        ),
    ],
    ids=["gpu", "spot", "plain"],
)
def test_it_is_bought_and_moved_as_it_can_be(settings: dict[str, Any], scheduling: dict[str, Any]) -> None:
    assert machine(**settings).one(INSTANCE).inputs["scheduling"] == scheduling


def test_gpus_are_attached_to_machines_that_have_none() -> None:
    attached = machine(machine_type="n1-standard-8", accelerator="nvidia-tesla-t4", accelerator_count=2)
    assert attached.one(INSTANCE).inputs["guestAccelerators"] == [{"type": "nvidia-tesla-t4", "count": 2}]
    assert attached.one(INSTANCE).inputs["scheduling"]["onHostMaintenance"] == "TERMINATE"
    assert "guestAccelerators" not in machine().one(INSTANCE).inputs


def difference(before: Resources, after: Resources) -> dict[str, Any]:
    """Inputs that differ, by `TYPE.INPUT`; resources that are new or gone, by name."""
    old = {(each.type, each.name): each.inputs for each in before.registered}
    new = {(each.type, each.name): each.inputs for each in after.registered}
    found: dict[str, Any] = {name: "new" for _, name in new.keys() - old.keys()}
    found |= {name: "gone" for _, name in old.keys() - new.keys()}
    for key in old.keys() & new.keys():
        for field in old[key].keys() | new[key].keys():
            if old[key].get(field) != new[key].get(field):
                found[f"{key[0].rpartition(':')[2]}.{field}"] = new[key].get(field)
    return found


def options_of() -> dict[str, pulumi.ResourceOptions]:
    """With which options each resource is registered, by type."""
    options: dict[str, pulumi.ResourceOptions] = {}

    def remember(args: pulumi.ResourceTransformationArgs) -> None:
        options[args.type_] = args.opts

    machine(opts=pulumi.ResourceOptions(transformations=[remember]))
    return options


def test_a_resize_stops_it_changes_its_type_and_keeps_its_disk() -> None:
    assert difference(machine(), machine(machine_type="g2-standard-8")) == {"Instance.machineType": "g2-standard-8"}
    assert machine().one(INSTANCE).inputs["allowStoppingForUpdate"] is True


def test_to_stop_it_changes_its_state_and_nothing_else() -> None:
    assert difference(machine(), machine(state="stopped")) == {"Instance.desiredStatus": "TERMINATED"}
    assert machine().one(INSTANCE).inputs["desiredStatus"] == "RUNNING"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"machine_type": "g2-standard-4"}, {"machine_type": "n2-standard-4"}),
        ({"machine_type": "n2-standard-4"}, {"machine_type": "g2-standard-4"}),
        # Nothing else tells the provider that the GPU is to go.
        ({**T4, "capacity": "spot"}, {"machine_type": "n1-standard-8", "capacity": "spot"}),
        (T4, {"machine_type": "g2-standard-4"}),
    ],
    ids=["without", "with", "detached", "of the type"],
)
def test_other_gpus_are_another_machine_with_the_same_disk(before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = difference(machine(**before), machine(**after))
    assert "Instance.description" in changed
    assert not [name for name in changed if not name.startswith("Instance.")]
    assert options_of()[INSTANCE].replace_on_changes == ["description"]


def test_production_lets_a_machine_be_replaced_when_it_was_told_so_before() -> None:
    unprotected = {"Instance.deletionProtection": False}
    assert difference(machine(production=True), machine(production=True, deletion_protection=False)) == unprotected
    assert difference(machine(), machine(deletion_protection=False)) == {}


def test_its_disk_outlives_the_instance_and_another_image_or_disk_alone_changes_nothing() -> None:
    options = options_of()
    assert machine().one(INSTANCE).inputs["bootDisk"]["autoDelete"] is False
    assert options[DISK].ignore_changes == ["image", "type", "size"]
    # Local SSDs that its type has are nobody's wish and no reason for another machine.
    assert options[INSTANCE].ignore_changes == ["scratchDisks"]
    # Either has the name of the generation, which two cannot have at once.
    assert options[DISK].delete_before_replace is options[INSTANCE].delete_before_replace is True


def test_another_generation_is_a_new_machine_beside_the_old_one() -> None:
    before, after = machine(), machine(generation=2)
    assert difference(before, after) == {"machine-1": "gone", "machine-2": "new"}
    assert before.one(INSTANCE).inputs["name"] != after.one(INSTANCE).inputs["name"]
    assert before.one(DISK).inputs["name"] != after.one(DISK).inputs["name"]
