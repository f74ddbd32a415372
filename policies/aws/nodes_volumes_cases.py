"""Cases of the rules for disks, volumes and shared file systems on AWS."""

from typing import Any

from policies.aws import nodes_volumes as volumes
from policies.aws.nodes import INSTANCE, LAUNCH_CONFIGURATION, NODE_CLASS, NODE_GROUP, SPOT_REQUEST, TEMPLATE
from policies.aws.nodes_volumes import LUSTRE, SHARED_FILES, SNAPSHOT_COPY, VOLUME
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
AWS_KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:alias/aws/ebs"
KEY = made("aws:kms/key:Key", "volumes")
BY_DEFAULT = made(volumes.ENCRYPTION_BY_DEFAULT, "always")
OWN = {"encrypted": True, "kmsKeyId": KEY_ARN}
PLAIN = {"volumeType": "gp3"}


def template(*disks: Any, refers: Resource | None = None) -> Resource:
    """A launch template with these disks; None is one of the instance's own."""
    mappings = [
        {"deviceName": "/dev/xvda", **({"virtualName": "ephemeral0"} if disk is None else {"ebs": disk})}
        for disk in disks
    ]
    made_of = {"blockDeviceMappings": refers} if refers else {}
    return made(TEMPLATE, "nodes", {"blockDeviceMappings": mappings}, refers=made_of)


def node_class(*disks: Any) -> Resource:
    """A class of nodes of Karpenter with these disks."""
    return made(NODE_CLASS, "gpu", {"spec": {"blockDeviceMappings": [{"ebs": disk} for disk in disks]}})


def image_copy(*, encrypted: bool) -> Resource:
    """A copy of a machine image."""
    return made(volumes.IMAGE_COPY, "image", {"encrypted": encrypted})


CASES = (
    Cases(
        volumes.instance_disks_encrypted,
        passing=[
            template({"encrypted": "true"}, None),
            made(INSTANCE, "machine", {"rootBlockDevice": OWN, "ebsBlockDevices": [OWN]}),
            made(INSTANCE, "machine", {"rootBlockDevice": OWN, "ebsBlockDevices": [{"noDevice": True}]}),
            made(INSTANCE, "machine", {"launchTemplate": {"id": "lt-1"}}),
            made(LAUNCH_CONFIGURATION, "nodes", {"rootBlockDevice": {"encrypted": True}}),
            made(NODE_GROUP, "pool", {"launchTemplate": {"id": "lt-1"}}),
            made(NODE_CLASS, "gpu", {"spec": {"role": "nodes"}}),
            node_class({"encrypted": True}),
            [template(PLAIN), BY_DEFAULT],
            [made(NODE_GROUP, "pool"), BY_DEFAULT],
            [
                (image := image_copy(encrypted=True)),
                made(INSTANCE, "machine", refers={"ami": image}),
            ],
        ],
        failing=[
            (template(PLAIN), "The disk blockDeviceMappings[0] is not encrypted."),
            (template(OWN, {"encrypted": "false"}), "The disk blockDeviceMappings[1] is not encrypted."),
            (template(UNKNOWN, PLAIN), "The disk blockDeviceMappings[1] is not encrypted."),
            (made(TEMPLATE, "nodes"), "It does not say that the image's disk is encrypted."),
            (made(INSTANCE, "machine", {"ebsBlockDevices": [OWN]}), "does not say that the image's disk"),
            (made(SPOT_REQUEST, "machine", {"rootBlockDevice": PLAIN}), "The disk rootBlockDevice is not encrypted."),
            (
                made(INSTANCE, "machine", {"launchTemplate": {"id": "lt-1"}, "ebsBlockDevices": [PLAIN]}),
                "The disk ebsBlockDevices[0] is not encrypted.",
            ),
            (made(LAUNCH_CONFIGURATION, "nodes"), "does not say that the image's disk"),
            (made(NODE_GROUP, "pool"), "Without a launch template"),
            (node_class(PLAIN), "The disk blockDeviceMappings[0] is not encrypted."),
            ([template(PLAIN), made(volumes.ENCRYPTION_BY_DEFAULT, "off", {"enabled": False})], "not encrypted"),
            (
                [
                    (plain := image_copy(encrypted=False)),
                    made(INSTANCE, "machine", refers={"ami": plain}),
                ],
                "does not say that the image's disk",
            ),
        ],
    ),
    Cases(
        volumes.volume_encrypted,
        passing=[made(VOLUME, "data", {"encrypted": True}), made(SNAPSHOT_COPY, "copy", {"encrypted": True})],
        failing=[
            (made(VOLUME, "data", {"size": 100}), "It is not encrypted."),
            (made(VOLUME, "data", {"encrypted": False}), "It is not encrypted."),
            (made(SNAPSHOT_COPY, "copy"), "It is not encrypted."),
        ],
    ),
    Cases(
        volumes.volume_customer_managed_key,
        passing=[
            template(OWN, None),
            [KEY, template({"encrypted": "true", "kmsKeyId": UNKNOWN}, refers=KEY)],
            [KEY, made(VOLUME, "data", {"encrypted": True}, refers={"kmsKeyId": KEY})],
            template(PLAIN),
            made(TEMPLATE, "nodes"),
            made(INSTANCE, "machine", {"rootBlockDevice": OWN}),
            [made(VOLUME, "data", {"encrypted": True}), made(volumes.DEFAULT_KEY, "own", {"keyArn": KEY_ARN})],
        ],
        failing=[
            (template({"encrypted": "true"}), "The disk blockDeviceMappings[0] is encrypted under the key that AWS"),
            (template(OWN, {**OWN, "kmsKeyId": AWS_KEY_ARN}), "The disk blockDeviceMappings[1] is encrypted under"),
            (made(INSTANCE, "machine", {"rootBlockDevice": {"encrypted": True}}), "The disk rootBlockDevice is"),
            (made(VOLUME, "data", {"encrypted": True}), "It is encrypted under the key that AWS manages."),
            (made(SNAPSHOT_COPY, "copy", {"encrypted": True, "kmsKeyId": "alias/aws/ebs"}), "It is encrypted under"),
        ],
    ),
    Cases(
        volumes.file_system_encrypted,
        passing=[made(SHARED_FILES, "datasets", {"encrypted": True})],
        failing=[
            (made(SHARED_FILES, "datasets"), "The file system is not encrypted."),
            (made(SHARED_FILES, "datasets", {"encrypted": False}), "The file system is not encrypted."),
        ],
    ),
    Cases(
        volumes.file_system_customer_managed_key,
        passing=[
            made(SHARED_FILES, "datasets", OWN),
            made(SHARED_FILES, "datasets"),
            made(LUSTRE, "scratch", {"deploymentType": "SCRATCH_2"}),
            made(LUSTRE, "scratch"),
            made(LUSTRE, "datasets", {"deploymentType": "PERSISTENT_2"}, refers={"kmsKeyId": KEY}),
            made(volumes.OTHER_FSX[0], "datasets", {"kmsKeyId": KEY_ARN}),
        ],
        failing=[
            (made(SHARED_FILES, "datasets", {"encrypted": True}), "encrypted under the key that AWS manages."),
            (made(LUSTRE, "datasets", {"deploymentType": "PERSISTENT_2"}), "under the key that AWS manages"),
            (made(volumes.OTHER_FSX[1], "datasets"), "under the key that AWS manages"),
        ],
    ),
)
