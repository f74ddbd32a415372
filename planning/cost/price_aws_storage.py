"""Prices what is kept: buckets, their tiering, images, volumes, and the keys that encrypt it all."""

from planning.cost.inputs import is_hidden, mappings_of, text_of, truth_of
from planning.cost.lines import Context, Line
from planning.cost.node_parts import spread, volume_parts

# The last part of a bucket's name in the program -> the assumption of how much is in it.
_STORED = {"datasets": "dataset_gib", "checkpoints": "checkpoint_gib", "models": "model_gib"}
_OTHER = "other_bucket_gib"
_TIERED = "INTELLIGENT_TIERING"
_TRANSITIONS = ("transitions", "noncurrentVersionTransitions")
_TOP_ROTATIONS = 2


def price_bucket(context: Context) -> list[Line]:
    """What is stored, as S3 Standard, and requests."""
    usage = context.usage
    assumption = _STORED.get(context.resource.name.rpartition("-")[2], _OTHER)
    stored = float(getattr(usage, assumption))
    writes, reads = usage.object_writes / 1000, usage.object_reads / 1000
    return [
        context.used("stored, S3 Standard", "object_storage_gib_month", stored, assumption),
        context.used("requests that write or list", "object_put_1000", writes, "object_writes"),
        context.used("requests that read", "object_get_1000", reads, "object_reads"),
    ]


def price_lifecycle(context: Context) -> list[Line]:
    """Rules that only remove cost nothing; those that move objects cost by the object."""
    rules = context.resource.inputs.get("rules")
    if is_hidden(rules) or any(is_hidden(rule.get(name)) for rule in mappings_of(rules) for name in _TRANSITIONS):
        return [context.unknown("moves of objects", "what its rules do is not in the plan")]
    moves = [
        (text_of(rule.get("status")), text_of(transition.get("storageClass")))
        for rule in mappings_of(rules)
        for name in _TRANSITIONS
        for transition in mappings_of(rule.get(name))
    ]
    classes = sorted({storage or "unknown" for status, storage in moves if status != "Disabled"})
    if not classes:
        return [context.free("rules that remove objects cost nothing", "Amazon S3 pricing page")]
    others = [each for each in classes if each != _TIERED]
    lines = [context.unknown(f"moves to {each}", "this storage class has no price") for each in others]
    if _TIERED in classes:
        tiered, moved = context.usage.tiered_objects / 1000, context.usage.newly_tiered_objects / 1000
        note = "what is stored stays priced as S3 Standard, though objects that nobody reads for 30 days cost less"
        lines += [
            context.used(
                "Intelligent-Tiering, watched", "object_monitoring_1000_month", tiered, "tiered_objects", note=note
            ),
            context.used("Intelligent-Tiering, moved", "object_transition_1000", moved, "newly_tiered_objects"),
        ]
    return lines


def price_repository(context: Context) -> list[Line]:
    """Images by size. Scanning on push is basic scanning, which costs nothing."""
    return [context.used("images stored", "registry_gb_month", context.usage.image_gb, "image_gb")]


def price_key(context: Context) -> list[Line]:
    """By the month, and by requests. The first two yearly rotations each cost as much as the key.

    Source: AWS KMS pricing page, "Key rotation".
    """
    lines = [context.fixed("KMS key", "kms_key_month", 1.0)]
    rotations = min(context.usage.key_rotations, _TOP_ROTATIONS)
    rotated = context.resource.inputs.get("enableKeyRotation")
    if rotations and (truth_of(rotated) or is_hidden(rotated)):
        lines.append(context.used("its rotations", "kms_key_month", rotations, "key_rotations"))
    requests = context.usage.key_requests / 10_000
    note = "an account's first 20,000 requests a month are free and not taken off"
    return [*lines, context.used("requests", "kms_requests_10000", requests, "key_requests", note=note)]


def price_volume(context: Context) -> list[Line]:
    """A volume by itself, used or not."""
    inputs = context.resource.inputs
    device = {name: inputs.get(name) for name in ("iops", "throughput")}
    device |= {"volumeSize": inputs.get("size"), "volumeType": inputs.get("type")}
    parts, unknown = volume_parts(context, [device])
    return [*spread(context, parts, 1, 1, 0.0, ""), *unknown]


PRICERS = {
    "aws:s3/bucket:Bucket": price_bucket,
    "aws:s3/bucketV2:BucketV2": price_bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": price_lifecycle,
    "aws:ecr/repository:Repository": price_repository,
    "aws:kms/key:Key": price_key,
    "aws:ebs/volume:Volume": price_volume,
}
