"""Where data sets, checkpoints, models and logs are: in this stack's own buckets, or in those of a stack that has
nothing else, and so outlives the clusters that use it.

Names of buckets follow from the name of the stack, so nothing is looked up; only the name of its key is told, which has
a random end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.gcp.keys import Keys, KeysArguments
from infra.gcp.labels import labelled, labels_of
from infra.gcp.naming import Names
from infra.gcp.services import Services, ServicesArguments, apis_of
from infra.gcp.settings import GcpSettings
from infra.gcp.storage import PURPOSES, Storage, StorageArguments
from infra.gcp.storage_settings import StorageSettings


@dataclass(frozen=True, kw_only=True)
class Data:
    """The buckets, and the key that encrypts them."""

    uris: Mapping[str, pulumi.Output[str]]
    """`gs://NAME` by purpose, known in a preview; whatever takes one waits for the bucket."""
    bucket_names: Mapping[str, pulumi.Output[str]]
    """Name by purpose, known in a preview: for grants on the bucket, which wait for it."""
    key_id: pulumi.Output[str]
    """Resource name of the key."""


def own_data(
    names: Names, settings: StorageSettings, keys: Keys, *, production: bool, opts: pulumi.ResourceOptions
) -> Data:
    """Buckets of this stack.

    :param production: Whether Pulumi refuses to delete them.
    """
    key_id = keys.ids["data"]
    storage = Storage(
        "storage",
        StorageArguments(names=names, settings=settings, data_key_id=key_id, production=production),
        opts,
    )
    return Data(uris=storage.uris, bucket_names=storage.bucket_names, key_id=key_id)


def data_of_stack(names: Names, settings: StorageSettings) -> Data:
    """The buckets of another stack of the Pulumi project, in the same project of Google Cloud and the same region,
    which has to be there already."""
    other = Names(names.project, settings.from_stack, names.project_id, names.project_number, names.region)
    return Data(
        uris={purpose: pulumi.Output.from_input(f"gs://{other.bucket(purpose)}") for purpose in PURPOSES},
        bucket_names={purpose: pulumi.Output.from_input(other.bucket(purpose)) for purpose in PURPOSES},
        key_id=pulumi.Output.from_input(settings.key_id),
    )


class DataPart(pulumi.ComponentResource):
    """A stack's buckets and their key, without anything that uses them."""

    data: Data

    def __init__(
        self,
        name: str,
        keys: KeysArguments,
        settings: GcpSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:gcp:Data", name, None, opts)
        first = self._switch_on(keys.names.project_id, settings)
        child = pulumi.ResourceOptions(parent=self, depends_on=first)
        made = Keys("keys", keys, child)
        self.data = own_data(keys.names, settings.storage, made, production=keys.production, opts=child)
        self.register_outputs({})

    def _switch_on(self, project_id: str, settings: GcpSettings) -> list[pulumi.Resource]:
        if not settings.enable_services:
            return []
        arguments = ServicesArguments(project_id=project_id, apis=apis_of(settings, data_alone=True))
        return [Services("services", arguments, pulumi.ResourceOptions(parent=self))]

    def outputs(self) -> dict[str, pulumi.Input[str]]:
        """What a person needs to use them, and to name them in the settings of another stack."""
        uris = {f"{purpose}_uri": uri for purpose, uri in self.data.uris.items()}
        return {
            **uris,
            "data_key_id": self.data.key_id,
            "encryption_key_uri": self.data.key_id.apply("gcp-kms://{}".format),
        }


def create_data_part(
    settings: GcpSettings, *, project: str, stack: str, production: bool, tags: Mapping[str, str]
) -> dict[str, pulumi.Input[str]]:
    """Makes a stack's buckets and their key alone: what others need to use them, by name of output."""
    names = Names(project, stack, settings.project_id, settings.project_number, settings.region)
    keys = KeysArguments(names=names, settings=settings.keys, production=production, purposes=("data",))
    part = DataPart("gcp", keys, settings, labelled(labels_of(tags)))
    return {
        "project_id": names.project_id,
        "project_number": names.project_number,
        "region": names.region,
        **part.outputs(),
    }
