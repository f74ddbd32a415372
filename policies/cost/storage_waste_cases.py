"""Cases of the rules against paying for the dearer kind of storage."""

import json
from typing import Any

from policies.cases import Cases, made
from policies.cost import storage_waste
from policies.cost.examples import CLUSTER, template
from policies.resources import Resource

BUCKET = made("aws:s3/bucket:Bucket", "checkpoints", {"forceDestroy": False})
REPOSITORY = made(storage_waste.REPOSITORY, "training", {"imageTagMutability": "IMMUTABLE"})
BOX = "aws:ec2/instance:Instance"
VOLUME = made(storage_waste.VOLUME, "data", {"size": 500, "type": "gp3"})
OLD_VERSIONS = {"id": "old", "status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 7}}
EXPIRY = {"id": "expiry", "status": "Enabled", "expiration": {"days": 90}}
COLDER = {"id": "colder", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "GLACIER_IR"}]}


def volume(size: int = 100, **properties: Any) -> Resource:
    """A volume by itself."""
    return made(storage_waste.VOLUME, "data", {"size": size, **properties})


def device(kind: str) -> list[dict[str, Any]]:
    """The devices of a launch template."""
    return [{"ebs": {"volumeSize": 100, "volumeType": "gp3"}}, {"ebs": {"volumeSize": 100, "volumeType": kind}}]


def log_group(**properties: Any) -> Resource:
    """A log group."""
    return made(storage_waste.LOG_GROUP, "flow", properties)


def log_bucket(**properties: Any) -> Resource:
    """A log bucket of Google Cloud."""
    return made(storage_waste.LOG_BUCKET, "flow", properties)


def google_images(*policies: dict[str, Any], **properties: Any) -> Resource:
    """A repository of Artifact Registry."""
    return made(storage_waste.GCP_REPOSITORY, "training", {"cleanupPolicies": list(policies), **properties})


def soft_delete(days: float | None) -> Resource:
    """A bucket of Google Cloud that keeps what was removed for so long."""
    policy = {} if days is None else {"softDeletePolicy": {"retentionDurationSeconds": days * 86_400}}
    return made(storage_waste.GCS_BUCKET, "models", policy)


def lifecycle(*rules: dict[str, Any], of: Resource = BUCKET) -> Resource:
    """Rules of a bucket."""
    return made(storage_waste.LIFECYCLES[0], "rules", {"rules": list(rules)}, refers={"bucket": of})


def images(action: str = "expire", of: Resource = REPOSITORY) -> Resource:
    """A lifecycle policy of a registry."""
    policy = {"rules": [{"rulePriority": 1, "action": {"type": action}}]} if action else {"rules": []}
    return made(storage_waste.REPOSITORY_LIFECYCLE, "images", {"policy": json.dumps(policy)}, refers={"repository": of})


def encryption(algorithm: str = "aws:kms", **rule: Any) -> Resource:
    """How a bucket is encrypted."""
    return made(
        storage_waste.ENCRYPTIONS[0],
        "models",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}, **rule}]},
    )


GKE = made("gcp:container/cluster:Cluster", "cluster")
REMOVES = {"id": "old", "action": "DELETE", "condition": {"tagState": "UNTAGGED"}}
KEEPS = {"id": "newest", "action": "KEEP", "mostRecentVersions": {"keepCount": 5}}

CASES = (
    Cases(
        storage_waste.volume_gp3,
        passing=[
            [CLUSTER, volume(type="gp3")],
            [CLUSTER, volume(type="io2")],
            [CLUSTER, volume(type="st1")],
            [CLUSTER, template()],
            [CLUSTER, template(blockDeviceMappings=[{"ebs": {"volumeSize": 100}}, {"virtualName": "ephemeral0"}])],
            made(BOX, "box", {"rootBlockDevice": {"volumeType": "gp3", "volumeSize": 20}}),
            made(BOX, "box", {"instanceType": "m5.large"}),
            # No machine of this stack has it.
            volume(),
        ],
        failing=[
            ([CLUSTER, volume(type="gp2")], "type gp2, and its 100 GiB cost $2.00 a month more than $8.00 as gp3."),
            ([CLUSTER, volume()], "It has a volume of type gp2"),
            ([CLUSTER, volume(type="io1")], "It has a volume of type io1, and its 100 GiB cost $8.00 a month as gp3."),
            ([CLUSTER, template(blockDeviceMappings=device("gp2"))], "It has a volume of type gp2"),
            (made(BOX, "box", {"rootBlockDevice": {"volumeType": "gp2"}}), "It has a volume of type gp2."),
            (made(BOX, "box", {"ebsBlockDevices": [{"volumeType": "standard"}]}), "It has a volume of type standard."),
        ],
    ),
    Cases(
        storage_waste.logs_forgotten,
        passing=[
            [CLUSTER, log_group(retentionInDays=30)],
            [CLUSTER, log_group(retentionInDays=400)],
            log_group(),
            [GKE, log_bucket()],
            [GKE, log_bucket(retentionDays=365)],
        ],
        failing=[
            ([GKE, log_bucket(retentionDays=3650)], "It keeps logs 3650 days, and up to 400 days are wanted; each GB"),
            (
                [CLUSTER, log_group()],
                "for ever, and up to 400 days are wanted; each GB that is kept costs $0.03",
            ),
            ([CLUSTER, log_group(retentionInDays=0)], "It keeps logs for ever"),
            ([CLUSTER, log_group(retentionInDays=545)], "It keeps logs 545 days"),
        ],
    ),
    Cases(
        storage_waste.checkpoints_expire,
        passing=[
            [BUCKET, lifecycle(OLD_VERSIONS, EXPIRY)],
            [BUCKET, lifecycle(COLDER)],
            made("aws:s3/bucket:Bucket", "ckpt", {"lifecycleRules": [{"enabled": True, "expiration": {"days": 7}}]}),
            made("aws:s3/bucket:Bucket", "models"),
            made(
                storage_waste.GCS_BUCKET,
                "checkpoints",
                {"lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
            ),
            made(
                storage_waste.GCS_BUCKET,
                "checkpoints",
                {"lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"age": 30, "withState": "LIVE"}}]},
            ),
        ],
        failing=[
            (BUCKET, "Nothing removes or moves old checkpoints; each 50 GiB of them cost $1.15 a month."),
            ([BUCKET, lifecycle(OLD_VERSIONS)], "Nothing removes or moves old checkpoints"),
            ([BUCKET, lifecycle({**EXPIRY, "status": "Disabled"})], "Nothing removes or moves old checkpoints"),
            ([BUCKET, lifecycle(EXPIRY, of=made("aws:s3/bucket:Bucket", "logs"))], "Nothing removes or moves"),
            (made("aws:s3/bucketV2:BucketV2", "b", {"bucket": "acme-checkpoints"}), "Nothing removes or moves"),
            (
                made(
                    storage_waste.GCS_BUCKET,
                    "checkpoints",
                    {"lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"numNewerVersions": 3}}]},
                ),
                "Nothing removes or moves",
            ),
            *(
                (
                    made(
                        storage_waste.GCS_BUCKET,
                        "checkpoints",
                        {"lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"age": 7, **old_versions}}]},
                    ),
                    "Nothing removes or moves",
                )
                for old_versions in ({"withState": "ARCHIVED"}, {"numNewerVersions": 1}, {"daysSinceNoncurrentTime": 3})
            ),
        ],
    ),
    Cases(
        storage_waste.soft_delete_short,
        passing=[soft_delete(None), soft_delete(0), soft_delete(30)],
        failing=[(soft_delete(90), "It keeps what was removed for 90 days, and up to 30 are wanted.")],
    ),
    Cases(
        storage_waste.registry_forgets,
        passing=[
            [CLUSTER, REPOSITORY, images()],
            REPOSITORY,
            [GKE, google_images(KEEPS, REMOVES)],
            [GKE, google_images(mode="REMOTE_REPOSITORY")],
            google_images(),
        ],
        failing=[
            ([GKE, google_images(KEEPS)], "No lifecycle policy removes its images; each 10 GB of them cost $1.00"),
            ([GKE, google_images(REMOVES, cleanupPolicyDryRun=True)], "No lifecycle policy removes its images"),
            ([CLUSTER, REPOSITORY], "No lifecycle policy removes its images; each 10 GB of them cost $1.00 a month."),
            ([CLUSTER, REPOSITORY, images("")], "No lifecycle policy removes its images"),
            ([CLUSTER, REPOSITORY, images(of=made(storage_waste.REPOSITORY, "other"))], "No lifecycle policy"),
        ],
    ),
    Cases(
        storage_waste.bucket_key,
        passing=[
            [CLUSTER, encryption(bucketKeyEnabled=True)],
            [CLUSTER, encryption("AES256")],
            [CLUSTER, encryption("aws:kms:dsse")],
            encryption(),
        ],
        failing=[
            (
                [CLUSTER, encryption()],
                "each million objects read or written cost $3.00 for KMS alone.",
            ),
            ([CLUSTER, encryption(bucketKeyEnabled=False)], "Without a bucket key"),
        ],
    ),
    Cases(
        storage_waste.volume_attached,
        passing=[
            [CLUSTER, VOLUME, made(storage_waste.ATTACHMENT, "data", refers={"volumeId": VOLUME})],
            [CLUSTER, VOLUME, made("kubernetes:core/v1:PersistentVolume", "data", refers={"spec": VOLUME})],
            VOLUME,
        ],
        failing=[([CLUSTER, VOLUME], "Nothing in the stack attaches it, and its 500 GiB cost $40.00 a month as gp3.")],
    ),
)
