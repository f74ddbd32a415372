"""The buckets: data sets, checkpoints, models and logs, and one for the records of who used them.

Each is encrypted by the data key, keeps the versions of what is overwritten and, for some days more, what was removed
for good; IAM alone opens it, and nothing can open it to the public. What nobody needs any more goes by itself: parts of
uploads that were never finished, old versions, old checkpoints, old logs; data sets move to a cheaper class.

Objects of the four buckets are encrypted by a key of Cloud KMS or refused, also where a request names another way. Two
things that AWS lets a bucket say only the organization's policies do here: whose keys there are at all
(`gcp.restrictCmekCryptoKeyProjects`; whoever names another key needs one that Cloud Storage may use), and that nobody
comes without TLS (`storage.secureHttpTransport`). Source: Resource Manager, "Organization policy constraints".

Records of use are delivered by Google every hour, by a group of Google's own that may make objects in their bucket and
nothing else. Where the organization's policy `iam.allowedPolicyMemberDomains` lets in its own accounts only, Google's
customer identifier has to be among them. Google promises neither that they are complete nor in time, so they are for
bills and for looking back; audit logs of data access are the project's to switch on. Source: Cloud Storage, "Usage logs
& storage logs".

Whoever has a basic role in the project (owner, editor, viewer) may read the objects of every bucket, by grants that
Cloud Storage makes with each new one: give people roles of their work instead. Source: Cloud Storage, "IAM roles for
Cloud Storage", basic roles.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.storage_settings import StorageSettings
from infra.known_output import known_after

PURPOSES = ("datasets", "checkpoints", "models", "logs")
"""What there is a bucket for."""
ACCESS_LOGS = "access"
"""The bucket of the records of use. One word, as all are: with two, two stacks could come to the same name."""
UNFINISHED_UPLOADS_DAYS = 7
"""Days after which the parts of an unfinished upload are removed."""
LOG_DELIVERY = "group:cloud-storage-analytics@google.com"
"""Who delivers the records of use. Source: Cloud Storage, "Usage logs & storage logs"."""

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class StorageArguments:
    """What the buckets are made from."""

    names: Names
    settings: StorageSettings
    data_key_id: pulumi.Input[str]
    """The key that encrypts them, known when Cloud Storage may use it."""
    production: bool
    """Whether Pulumi refuses to delete them."""


class Storage(pulumi.ComponentResource):
    """The buckets of a stack."""

    uris: Mapping[str, pulumi.Output[str]]
    """`gs://NAME` by purpose, known in a preview; whatever takes one waits for the bucket."""
    bucket_names: Mapping[str, pulumi.Output[str]]
    """Name by purpose, known in a preview: for grants on the bucket, which wait for it."""

    def __init__(self, name: str, args: StorageArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Storage", name, None, opts)
        self._args = args
        delivery = self._make_access_logs(f"{name}-{ACCESS_LOGS}")
        made = {purpose: self._make_bucket(f"{name}-{purpose}", purpose, delivery) for purpose in PURPOSES}
        self.uris = {
            purpose: known_after(f"gs://{args.names.bucket(purpose)}", bucket) for purpose, bucket in made.items()
        }
        self.bucket_names = {
            purpose: known_after(args.names.bucket(purpose), bucket) for purpose, bucket in made.items()
        }
        self.register_outputs({"uris": self.uris})

    def _make_access_logs(self, name: str) -> gcp.storage.BucketIAMMember:
        encryption = gcp.storage.BucketEncryptionArgs(default_kms_key_name=self._args.data_key_id)
        bucket = self._make_closed_bucket(name, ACCESS_LOGS, encryption, logging=None, first=[])
        return gcp.storage.BucketIAMMember(
            name,
            bucket=bucket.name,
            role="roles/storage.objectCreator",
            member=LOG_DELIVERY,
            opts=pulumi.ResourceOptions(parent=bucket),
        )

    def _make_bucket(self, name: str, purpose: str, delivery: gcp.storage.BucketIAMMember) -> gcp.storage.Bucket:
        refused, allowed = "FullyRestricted", "NotRestricted"
        encryption = gcp.storage.BucketEncryptionArgs(
            default_kms_key_name=self._args.data_key_id,
            customer_managed_encryption_enforcement_config=gcp.storage.BucketEncryptionCustomerManagedEncryptionEnforcementConfigArgs(
                restriction_mode=allowed
            ),
            customer_supplied_encryption_enforcement_config=gcp.storage.BucketEncryptionCustomerSuppliedEncryptionEnforcementConfigArgs(
                restriction_mode=refused
            ),
            google_managed_encryption_enforcement_config=gcp.storage.BucketEncryptionGoogleManagedEncryptionEnforcementConfigArgs(
                restriction_mode=refused
            ),
        )
        logging = gcp.storage.BucketLoggingArgs(
            log_bucket=self._args.names.bucket(ACCESS_LOGS), log_object_prefix=f"{purpose}/{purpose}"
        )
        # Google delivers only where it may already.
        return self._make_closed_bucket(name, purpose, encryption, logging=logging, first=[delivery])

    def _make_closed_bucket(
        self,
        name: str,
        purpose: str,
        encryption: gcp.storage.BucketEncryptionArgs,
        *,
        logging: gcp.storage.BucketLoggingArgs | None,
        first: list[pulumi.Resource],
    ) -> gcp.storage.Bucket:
        names, settings = self._args.names, self._args.settings
        autoclass = gcp.storage.BucketAutoclassArgs(enabled=True, terminal_storage_class="ARCHIVE")
        return gcp.storage.Bucket(
            name,
            name=names.bucket(purpose),
            project=names.project_id,
            # As Cloud Storage answers it.
            location=names.region.upper(),
            storage_class="STANDARD",
            autoclass=autoclass if purpose == "datasets" and settings.autoclass_datasets else None,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption=encryption,
            versioning=gcp.storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=lifecycle_rules(settings, purpose),
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=settings.soft_delete_days * _SECONDS_A_DAY
            ),
            logging=logging,
            force_destroy=settings.delete_with_objects,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.production, depends_on=first),
        )


def lifecycle_rules(settings: StorageSettings, purpose: str) -> list[gcp.storage.BucketLifecycleRuleArgs]:
    """What goes, and when, in the bucket of a purpose. Days count from when an object was made or replaced.

    What expires becomes an old version first, and so can be had back as long as one. Source: Cloud Storage, "Object
    Lifecycle Management".
    """
    rules = [
        _rule(
            "AbortIncompleteMultipartUpload",
            gcp.storage.BucketLifecycleRuleConditionArgs(age=UNFINISHED_UPLOADS_DAYS),
        ),
        _rule(
            "Delete",
            gcp.storage.BucketLifecycleRuleConditionArgs(
                days_since_noncurrent_time=settings.keep_old_versions_days, with_state="ARCHIVED"
            ),
        ),
    ]
    expiry = {
        "checkpoints": settings.expire_checkpoints_after_days,
        "logs": settings.expire_logs_after_days,
        ACCESS_LOGS: settings.expire_logs_after_days,
    }
    if purpose in expiry:
        live = gcp.storage.BucketLifecycleRuleConditionArgs(age=expiry[purpose], with_state="LIVE")
        rules.append(_rule("Delete", live))
    return rules


def _rule(action: str, condition: gcp.storage.BucketLifecycleRuleConditionArgs) -> gcp.storage.BucketLifecycleRuleArgs:
    return gcp.storage.BucketLifecycleRuleArgs(
        action=gcp.storage.BucketLifecycleRuleActionArgs(type=action), condition=condition
    )
