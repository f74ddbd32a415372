"""Prices what is kept on Google Cloud: buckets, images, and the keys that encrypt it all.

Sources: Google Cloud, "Cloud Storage pricing", "Artifact Registry pricing", "Artifact Analysis pricing", "Cloud KMS
pricing".
"""

from planning.cost.inputs import choice_of, is_hidden, mapping_of, mappings_of, number_of, text_of, truth_of
from planning.cost.lines import Context, Line

# The last part of a bucket's name in the program -> the assumption of how much is in it.
_STORED = {"datasets": "dataset_gib", "checkpoints": "checkpoint_gib", "models": "model_gib"}
_OTHER = "other_bucket_gib"
_STANDARD = "STANDARD"
_KEY_SERVICES = {"SOFTWARE": "kms_key_month", "HSM": "kms_hsm_key_month"}


def price_bucket(context: Context) -> list[Line]:
    """What is stored, as Standard, and requests; what Autoclass watches; rules that move objects to other classes."""
    inputs, usage = context.resource.inputs, context.usage
    kind = choice_of(inputs.get("storageClass"), _STANDARD)
    assumption = _STORED.get(context.resource.name.rpartition("-")[2], _OTHER)
    stored = float(getattr(usage, assumption))
    if kind != _STANDARD:
        return [context.unknown("stored", f"the storage class {kind or 'that is not in the plan'} has no price")]
    lines = [
        context.used("stored, Standard", "object_storage_gib_month", stored, assumption, note=_kept_note(context)),
        context.used("requests that write or list", "object_put_1000", usage.object_writes / 1000, "object_writes"),
        context.used("requests that read", "object_get_1000", usage.object_reads / 1000, "object_reads"),
    ]
    automatic = mapping_of(inputs.get("autoclass")).get("enabled")
    if is_hidden(inputs.get("autoclass")) or is_hidden(automatic):
        lines.append(context.unknown("Autoclass", "whether it is on is not in the plan"))
    elif truth_of(automatic):
        watched = usage.tiered_objects / 1000
        note = "what is stored stays priced as Standard, though objects that nobody reads for 30 days cost less"
        lines.append(context.used("Autoclass", "object_monitoring_1000_month", watched, "tiered_objects", note=note))
    rules = inputs.get("lifecycleRules")
    if is_hidden(rules):
        return [*lines, context.unknown("moves of objects", "what its rules do is not in the plan")]
    moved = {
        text_of(action.get("storageClass")) or "unknown"
        for rule in mappings_of(rules)
        if (action := mapping_of(rule.get("action"))).get("type") == "SetStorageClass"
    }
    return [*lines, *(context.unknown(f"moves to {each}", "this storage class has no price") for each in sorted(moved))]


def _kept_note(context: Context) -> str:
    """What is paid for besides objects that are there."""
    seconds = mapping_of(context.resource.inputs.get("softDeletePolicy")).get("retentionDurationSeconds", 604_800)
    days = number_of(seconds)
    return "" if not days else f"what is removed costs as before for {days / 86_400:g} days more (soft deletion)"


def price_repository(context: Context) -> list[Line]:
    """Images by size, and each image that is scanned when it is pushed."""
    lines = [context.used("images stored", "registry_gb_month", context.usage.image_gb, "image_gb")]
    scanning = mapping_of(context.resource.inputs.get("vulnerabilityScanningConfig"))
    if choice_of(scanning.get("enablementConfig"), "INHERITED") != "DISABLED":
        note = "where the project has the Container Scanning API; what is scanned again for 30 days costs nothing more"
        lines.append(context.used("images scanned", "image_scan", context.usage.image_scans, "image_scans", note=note))
    return lines


def price_key(context: Context) -> list[Line]:
    """By the month for each version that is there, and by requests. Each rotation adds a version."""
    inputs = context.resource.inputs
    level = choice_of(mapping_of(inputs.get("versionTemplate")).get("protectionLevel"), "SOFTWARE")
    service = _KEY_SERVICES.get(level or "")
    if service is None or is_hidden(inputs.get("versionTemplate")):
        return [context.unknown("KMS key", f"keys of protection level {level or 'unknown'} have no price")]
    lines = [context.fixed("KMS key version", service, 1.0)]
    rotations, rotated = context.usage.key_rotations, inputs.get("rotationPeriod")
    if rotations and rotated is not None:
        lines.append(context.used("versions of its rotations", service, rotations, "key_rotations"))
    requests = context.usage.key_requests / 10_000
    return [*lines, context.used("requests", "kms_requests_10000", requests, "key_requests")]


PRICERS = {
    "gcp:storage/bucket:Bucket": price_bucket,
    "gcp:artifactregistry/repository:Repository": price_repository,
    "gcp:kms/cryptoKey:CryptoKey": price_key,
}
