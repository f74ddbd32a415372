"""Identities: one IAM user for each workload, with an access key and one policy of its own.

What each may do is told by `infra.workload_grants`; its policy names single operations on single buckets and on one
key.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.local.cloud import CloudResourceProvider, client, error_code
from infra.local.provider import Properties, is_unknown, without_provider
from infra.s3_grants import KEY_GRANTS, object_actions
from infra.workload_grants import GRANTS, Use

POLICY = "workload"


def policy_document(identity: str, prefix: str, bucket_arns: Mapping[str, str], key_arn: str) -> dict[str, Any]:
    """The IAM policy of an identity.

    :param prefix: Where in every bucket the workload may work, such as `digits/`.
    :param bucket_arns: ARN of each bucket by its purpose.
    """
    grants = GRANTS[identity]
    objects = [
        _allow(object_actions(grant), f"{bucket_arns[grant.bucket]}/{prefix}{grant.objects}") for grant in grants
    ]
    # To list is a right on the bucket. Without it, a missing object would be told as a forbidden one.
    listed = sorted({grant.bucket for grant in grants if Use.READ in grant.uses})
    lists = [_allow(("s3:ListBucket",), bucket_arns[bucket]) for bucket in listed]
    return {"Version": "2012-10-17", "Statement": [*objects, *lists, _allow(KEY_GRANTS[identity], key_arn)]}


def _allow(actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [*actions], "Resource": resource}


class IdentityProvider(CloudResourceProvider):
    """An IAM user, its policy and its access key."""

    kind = "identity"
    updated_in_place = frozenset({"tags", "policy"})

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        iam, user = client("iam", props), props["user"]
        if self.find(props) is None:
            iam.create_user(UserName=user)
        self._configure(iam, props)
        # The secret of a key that a killed create has made is lost, so the key is worth nothing.
        for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        made = iam.create_access_key(UserName=user)["AccessKey"]
        key = {"own_access_key_id": made["AccessKeyId"], "own_secret_access_key": made["SecretAccessKey"]}
        return CreateResult(user, {**self._outputs(props), **key})

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        self._configure(client("iam", news), news)
        key = {name: olds[name] for name in ("own_access_key_id", "own_secret_access_key")}
        return UpdateResult({**self._outputs(news), **key})

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            client("iam", props).get_user(UserName=props["user"])
        except Exception as error:
            if error_code(error) in ("NoSuchEntity", "NoSuchEntityException"):
                return None
            raise
        return props["user"], self._outputs(props)

    @override
    def missing(self, id_: str, olds: Properties) -> str | None:
        try:
            keys = client("iam", olds).list_access_keys(UserName=id_)["AccessKeyMetadata"]
        except Exception as error:
            if error_code(error) in ("NoSuchEntity", "NoSuchEntityException"):
                return "it was deleted"
            raise
        known = olds.get("own_access_key_id")
        if is_unknown(known) or any(key["AccessKeyId"] == known for key in keys):
            return None
        return "its access key was deleted" if known else "its access key was never recorded"

    @override
    def remove(self, id_: str, props: Properties) -> None:
        iam = client("iam", props)
        try:
            for key in iam.list_access_keys(UserName=id_)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=id_, AccessKeyId=key["AccessKeyId"])
            for policy in iam.list_user_policies(UserName=id_)["PolicyNames"]:
                iam.delete_user_policy(UserName=id_, PolicyName=policy)
            iam.delete_user(UserName=id_)
        except Exception as error:
            if error_code(error) not in ("NoSuchEntity", "NoSuchEntityException"):
                raise

    def _configure(self, iam: Any, props: Properties) -> None:
        iam.put_user_policy(UserName=props["user"], PolicyName=POLICY, PolicyDocument=json.dumps(props["policy"]))
        iam.tag_user(
            UserName=props["user"], Tags=[{"Key": key, "Value": value} for key, value in props["tags"].items()]
        )

    def _outputs(self, props: Properties) -> dict[str, Any]:
        return {**without_provider(props), "arn": f"arn:aws:iam::{props['account']}:user/{props['user']}"}


class WorkloadIdentity(Resource, module="local", name="Identity"):
    """An IAM user with its access key."""

    arn: pulumi.Output[str]
    own_access_key_id: pulumi.Output[str]
    own_secret_access_key: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        user: str,
        policy: pulumi.Input[Mapping[str, Any]],
        connection: dict[str, pulumi.Output[str]],
        account: pulumi.Input[str],
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """:param user: The IAM user's name."""
        outputs = dict.fromkeys(("arn", "own_access_key_id", "own_secret_access_key"), None)
        props = {**connection, "user": user, "policy": policy, "account": account, "tags": tags, **outputs}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["secret_access_key", "own_secret_access_key"])
        super().__init__(IdentityProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret))
