"""Rules for the disks of machines and nodes on AWS, for volumes, and for file systems that several machines share."""

from collections.abc import Iterator
from typing import Any

from policies.aws.nodes import INSTANCES, LAUNCH_CONFIGURATION, NODE_CLASS, NODE_GROUP, TEMPLATE
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, is_text, is_true, known

VOLUME = "aws:ebs/volume:Volume"
SNAPSHOT_COPY = "aws:ebs/snapshotCopy:SnapshotCopy"
ENCRYPTION_BY_DEFAULT = "aws:ebs/encryptionByDefault:EncryptionByDefault"
DEFAULT_KEY = "aws:ebs/defaultKmsKey:DefaultKmsKey"
IMAGE_COPY = "aws:ec2/amiCopy:AmiCopy"
SHARED_FILES = "aws:efs/fileSystem:FileSystem"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
OTHER_FSX = (
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
    "aws:fsx/ontapFileSystem:OntapFileSystem",
    "aws:fsx/windowsFileSystem:WindowsFileSystem",
)


@related_rule(
    TEMPLATE,
    *INSTANCES,
    LAUNCH_CONFIGURATION,
    NODE_GROUP,
    NODE_CLASS,
    id="aws-instance-disks-encrypted",
    title="The disks of machines and nodes are encrypted.",
    severity="high",
    frameworks=("CKV_AWS_8", "CIS AWS 3.0.0 2.2.1", "NIST SC-28"),
    wrong="Whoever gets a snapshot of the disk reads it, with what pods and logs left on it.",
    mend="set encrypted to true on each disk, or turn EncryptionByDefault on; give a node group a launch template.",
)
def instance_disks_encrypted(machine: Resource, stack: Stack) -> Iterator[str]:
    """A disk that the program does not name is as the image has it: unencrypted, unless it is an encrypted copy."""
    if _is_encrypted_by_default(stack):
        return
    if machine.type == NODE_GROUP:
        if known(machine.get("launchTemplate")) is None:
            yield "Without a launch template, EKS gives its nodes disks that are not encrypted."
        return
    if not _names_its_disk(machine) and not any_holds(
        lambda copy: is_true(copy.get("encrypted")) and _is_image_of(copy, machine), stack.of(IMAGE_COPY)
    ):
        yield "It does not say that the image's disk is encrypted."
    for place, disk in _disks(machine):
        with machine.apart():
            if not is_true(get(disk, "encrypted")):
                yield f"The disk {place} is not encrypted."


def _is_encrypted_by_default(stack: Stack) -> bool:
    return any_holds(lambda each: is_true(each.get("enabled", default=True)), stack.of(ENCRYPTION_BY_DEFAULT))


def _names_its_disk(machine: Resource) -> bool:
    """Whether it says how its first disk is, itself or by its launch template. Karpenter's own default is encrypted."""
    if machine.type == TEMPLATE:
        return len(as_list(machine.get("blockDeviceMappings"))) > 0
    if machine.type == NODE_CLASS:
        return True
    if machine.type in INSTANCES and known(machine.get("launchTemplate")) is not None:
        return True
    return len(as_list(machine.get("rootBlockDevice"))) > 0


def _is_image_of(copy: Resource, machine: Resource) -> bool:
    return machine.refers_to(copy, "ami" if machine.type in INSTANCES else "imageId")


def _disks(machine: Resource) -> Iterator[tuple[str, Any]]:
    """The disks that it names, each with the path by which a message calls it; any value may be unknown."""
    if machine.type in (TEMPLATE, NODE_CLASS):
        path = ("spec", "blockDeviceMappings") if machine.type == NODE_CLASS else ("blockDeviceMappings",)
        for index, mapping in enumerate(as_list(machine.get(*path))):
            with machine.apart():
                disk = known(get(mapping, "ebs"))
                if disk is not None:
                    yield f"blockDeviceMappings[{index}]", disk
        return
    for name in ("rootBlockDevice", "ebsBlockDevices"):
        with machine.apart():
            for index, disk in enumerate(as_list(machine.get(name))):
                with machine.apart():
                    if not is_true(get(disk, "noDevice")):
                        yield f"{name}[{index}]" if name == "ebsBlockDevices" else name, disk


@resource_rule(
    VOLUME,
    SNAPSHOT_COPY,
    id="aws-volume-encrypted",
    title="Volumes and copies of snapshots are encrypted.",
    severity="high",
    frameworks=("CKV_AWS_3", "CIS AWS 3.0.0 2.2.1", "NIST SC-28"),
    wrong="Whoever gets a snapshot of the volume reads all that is on it.",
    mend="set encrypted to true.",
)
def volume_encrypted(volume: Resource) -> Iterator[str]:
    """An account that encrypts by default does so in one region; a volume that says so is safe in all of them."""
    if not is_true(volume.get("encrypted")):
        yield "It is not encrypted."


@related_rule(
    TEMPLATE,
    *INSTANCES,
    VOLUME,
    SNAPSHOT_COPY,
    id="aws-volume-customer-managed-key",
    title="Disks and volumes are encrypted under a key of the stack's own.",
    severity="medium",
    frameworks=("CKV_AWS_183", "CKV_AWS_189", "NIST SC-12", "NIST SC-28"),
    wrong="The key that AWS manages can be used by everything in the account, and nobody can withdraw it.",
    mend="set kmsKeyId to the ARN of the stack's KMS key.",
)
def volume_customer_managed_key(subject: Resource, stack: Stack) -> Iterator[str]:
    """What is not encrypted at all is told by other rules."""
    if stack.of(DEFAULT_KEY):
        return
    single = subject.type in (VOLUME, SNAPSHOT_COPY)
    for place, disk in [("", subject.properties)] if single else _disks(subject):
        with subject.apart():
            if is_true(get(disk, "encrypted")) and not _has_key(subject, get(disk, "kmsKeyId"), place):
                yield f"{f'The disk {place}' if place else 'It'} is encrypted under the key that AWS manages."


def _has_key(subject: Resource, key: Any, place: str) -> bool:
    """Whether it is a key of somebody's own; one that the program makes has no ARN yet in a first preview."""
    made_of = subject.property_dependencies.get(place.partition("[")[0] or "kmsKeyId")
    if isinstance(key, Unknown) and made_of:
        return True
    return is_text(key) and not key.endswith("alias/aws/ebs")


@resource_rule(
    SHARED_FILES,
    id="aws-file-system-encrypted",
    title="Shared file systems are encrypted.",
    severity="high",
    frameworks=("CKV_AWS_42", "CIS AWS 3.0.0 2.4.1", "NIST SC-28"),
    wrong="What AWS keeps and discards of it can be read by whoever gets at the disks, and it cannot be mended later.",
    mend="set encrypted to true.",
)
def file_system_encrypted(files: Resource) -> Iterator[str]:
    """EFS leaves it out unless it is asked; FSx encrypts always."""
    if not is_true(files.get("encrypted")):
        yield "The file system is not encrypted."


@related_rule(
    SHARED_FILES,
    LUSTRE,
    *OTHER_FSX,
    id="aws-file-system-customer-managed-key",
    title="Shared file systems are encrypted under a key of the stack's own.",
    severity="medium",
    frameworks=("CKV_AWS_178", "CKV_AWS_179", "CKV_AWS_184", "CKV_AWS_190", "CKV_AWS_203", "NIST SC-12", "NIST SC-28"),
    wrong="The key that AWS manages can be used by everything in the account, and nobody can withdraw it.",
    mend="set kmsKeyId to the ARN of the stack's KMS key.",
)
def file_system_customer_managed_key(files: Resource, _stack: Stack) -> Iterator[str]:
    """A scratch file system of FSx for Lustre cannot have a key of one's own."""
    if files.type == SHARED_FILES and not is_true(files.get("encrypted")):
        return
    if files.type == LUSTRE and known(files.get("deploymentType", default="SCRATCH_1")).startswith("SCRATCH"):
        return
    if not _has_key(files, files.get("kmsKeyId"), ""):
        yield "The file system is encrypted under the key that AWS manages."


RULES = (
    instance_disks_encrypted,
    volume_encrypted,
    volume_customer_managed_key,
    file_system_encrypted,
    file_system_customer_managed_key,
)
