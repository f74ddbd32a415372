"""Where data sets, checkpoints, models and logs are: in this stack's own buckets, or in those of a stack that has
nothing else, and so outlives the clusters that use it.

Names of buckets follow from the name of the stack, so nothing is looked up; only the ARN of its key is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.aws.keys import Keys, KeysArguments
from infra.aws.naming import Names
from infra.aws.settings import AwsSettings
from infra.aws.storage import PURPOSES, Storage, StorageArguments
from infra.aws.storage_settings import StorageSettings
from infra.aws.tagging import tagged


@dataclass(frozen=True, kw_only=True)
class Data:
    """The buckets, and the key that encrypts them."""

    uris: Mapping[str, pulumi.Output[str]]
    """`s3://NAME` by purpose, known when the bucket is ready for use."""
    arns: Mapping[str, str]
    """ARN by purpose, known beforehand."""
    key_arn: pulumi.Output[str]


def own_data(
    names: Names, settings: StorageSettings, keys: Keys, *, production: bool, opts: pulumi.ResourceOptions
) -> Data:
    """Buckets of this stack.

    :param production: Whether Pulumi refuses to delete them.
    """
    key_arn = keys.arns["data"]
    storage = Storage(
        "storage",
        StorageArguments(names=names, settings=settings, data_key_arn=key_arn, production=production),
        opts,
    )
    return Data(uris=storage.uris, arns=storage.arns, key_arn=key_arn)


def data_of_stack(names: Names, settings: StorageSettings) -> Data:
    """The buckets of another stack of the project, in the same account and region, which has to be there already."""
    other = Names(names.project, settings.from_stack, names.account_id, names.region)
    return Data(
        uris={purpose: pulumi.Output.from_input(f"s3://{other.bucket(purpose)}") for purpose in PURPOSES},
        arns={purpose: other.bucket_arn(purpose) for purpose in PURPOSES},
        key_arn=pulumi.Output.from_input(settings.key_arn),
    )


class DataPart(pulumi.ComponentResource):
    """A stack's buckets and their key, without anything that uses them."""

    data: Data

    def __init__(
        self,
        name: str,
        keys: KeysArguments,
        settings: StorageSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:aws:Data", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        made = Keys("keys", keys, child)
        self.data = own_data(keys.names, settings, made, production=keys.production, opts=child)
        self.register_outputs({})

    def outputs(self) -> dict[str, pulumi.Input[str]]:
        """What a person needs to use them, and to name them in the settings of another stack."""
        uris = {f"{purpose}_uri": uri for purpose, uri in self.data.uris.items()}
        return {
            **uris,
            "data_key_arn": self.data.key_arn,
            "encryption_key_uri": self.data.key_arn.apply("aws-kms://{}".format),
        }


def create_data_part(
    settings: AwsSettings, *, project: str, stack: str, production: bool, tags: Mapping[str, str]
) -> dict[str, pulumi.Input[str]]:
    """Makes a stack's buckets and their key alone: what others need to use them, by name of output."""
    names = Names(project, stack, settings.account_id, settings.region)
    keys = KeysArguments(names=names, settings=settings.keys, production=production, purposes=("data",), shared=True)
    part = DataPart("aws", keys, settings.storage, tagged(tags))
    return {"account_id": names.account_id, "region": names.region, **part.outputs()}
