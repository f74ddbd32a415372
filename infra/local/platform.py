"""The local platform: the stack's folder, the cloud in a process, key, buckets, identities, and processes as the
cluster.

What depends on what is told by inputs alone, so everything that can be made at the same time is.
"""

import hashlib
from collections.abc import Mapping
from functools import partial

import pulumi

from infra.cluster import Cluster
from infra.local.cloud import Cloud
from infra.local.cluster import LocalCluster
from infra.local.folder import StackFolder
from infra.local.identity import WorkloadIdentity, policy_document
from infra.local.keys import Key
from infra.local.storage import Bucket, bucket_name
from infra.platform import Identity, Platform
from infra.settings import LocalSettings

PURPOSES = ("datasets", "checkpoints", "models", "logs")
"""What there is a bucket for."""


class LocalPlatform(pulumi.ComponentResource):
    """Everything that a workload needs, on this machine."""

    def __init__(
        self,
        name: str,
        *,
        project: str,
        stack: str,
        workload: str,
        settings: LocalSettings,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """:param workload: Name of what runs on the platform: its identities may use this prefix in the buckets."""
        super().__init__("trainyard:local:Platform", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        # Relative to the project's folder, where providers run, so that the state does not tell where that lies.
        self._folder = StackFolder(f"{name}-folder", f".pulumi/local/{stack}", self._child)
        self._cloud = Cloud(f"{name}-cloud", self._folder.path, settings.cloud_port, self._child)
        self._key = self._make_key(name, project, stack, tags)
        self._buckets = self._make_buckets(project, stack, tags)
        self._identities = self._make_identities(project, stack, workload, tags)
        self._cluster = self._make_cluster()
        self.register_outputs({})

    def platform(self) -> Platform:
        """What workloads see of it."""
        serving = self._identities[Identity.SERVING]
        return Platform(
            cluster=self._cluster,
            datasets_uri=self._buckets["datasets"].uri,
            checkpoints_uri=self._buckets["checkpoints"].uri,
            models_uri=self._buckets["models"].uri,
            logs_uri=self._buckets["logs"].uri,
            encryption_key_uri=self._key.uri,
            service_accounts={identity: made.arn for identity, made in self._identities.items()},
            outputs={
                "endpoint_url": self._cloud.endpoint,
                "region": self._cloud.region,
                "key_arn": self._key.arn,
                "serving_access_key_id": serving.own_access_key_id,
                "serving_secret_access_key": pulumi.Output.secret(serving.own_secret_access_key),
            },
        )

    def _make_key(self, name: str, project: str, stack: str, tags: dict[str, str]) -> Key:
        alias = f"alias/{bucket_name(project, stack, 'key').removesuffix('-key')}"
        return Key(f"{name}-key", alias, self._cloud.connection(), self._cloud.account, tags, self._child)

    def _make_buckets(self, project: str, stack: str, tags: dict[str, str]) -> dict[str, Bucket]:
        return {
            purpose: Bucket(
                purpose,
                bucket_name(project, stack, purpose),
                self._key.arn,
                self._cloud.connection(),
                tags,
                self._child,
            )
            for purpose in PURPOSES
        }

    def _make_identities(
        self, project: str, stack: str, workload: str, tags: dict[str, str]
    ) -> dict[Identity, WorkloadIdentity]:
        arns = {purpose: f"arn:aws:s3:::{bucket_name(project, stack, purpose)}" for purpose in PURPOSES}
        identities = {}
        for identity in Identity:
            policy = self._key.arn.apply(partial(policy_document, identity.value, f"{workload}/", arns))
            user = bucket_name(project, stack, identity.value)
            identities[identity] = WorkloadIdentity(
                identity.value, user, policy, self._cloud.connection(), self._cloud.account, tags, self._child
            )
        return identities

    def _make_cluster(self) -> Cluster:
        # What was stored is lost with the cloud, the key or a bucket: each shows here.
        revision = pulumi.Output.all(
            self._cloud.instance, self._key.arn, *(bucket.created for bucket in self._buckets.values())
        ).apply(lambda parts: hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:12])
        environments = {identity.value: self._environment(made) for identity, made in self._identities.items()}
        return LocalCluster(self._folder.path, environments, self._cloud.instance, revision, self._child)

    def _environment(self, identity: WorkloadIdentity) -> Mapping[str, pulumi.Input[str]]:
        """The variables by which the cloud's SDKs find the cloud and act as an identity."""
        return {
            "AWS_ENDPOINT_URL": self._cloud.endpoint,
            "AWS_REGION": self._cloud.region,
            "AWS_DEFAULT_REGION": self._cloud.region,
            "AWS_ACCESS_KEY_ID": identity.own_access_key_id,
            "AWS_SECRET_ACCESS_KEY": pulumi.Output.secret(identity.own_secret_access_key),
            "AWS_ALLOW_HTTP": "true",
            # Neither the user's own files nor a machine's metadata may answer for credentials.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }
