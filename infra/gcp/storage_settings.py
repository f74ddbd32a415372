"""The settings of the buckets on Google Cloud: what is kept for how long, and whether they are another stack's."""

from pydantic import Field, ValidationInfo, field_validator

from infra.cloud_setting_values import context
from infra.cloud_settings import BucketSettings
from infra.gcp.setting_values import KeyId
from infra.setting_types import Truth, Whole, refuse


class StorageSettings(BucketSettings):
    """The buckets."""

    autoclass_datasets: Truth = True
    """Whether Cloud Storage moves data sets that nobody reads to cheaper classes, by Autoclass."""
    soft_delete_days: Whole = Field(default=7, ge=7, le=90)
    """Days that Cloud Storage keeps what was removed for good, bucket and all, which costs as before."""
    key_id: KeyId = Field(default="", validate_default=True)
    """The key of those buckets: that stack's output data_key_id."""

    @field_validator("key_id")
    @classmethod
    def _key_is_that_stack_s(cls, key: str, info: ValidationInfo) -> str:
        stack = info.data.get("from_stack")
        if stack and not key:
            raise refuse(f"must be the key of {stack}'s buckets: pulumi stack output data_key_id --stack {stack}")
        if key and stack == "":
            raise refuse("must be empty where storage.from_stack is: this stack's buckets have a key of its own")
        here = (context(info, "project_id"), context(info, "region"))
        if key and (key.split("/")[1], key.split("/")[3]) != here:
            raise refuse(f"must be a key of the stack's own project and region, {here[0]} and {here[1]}")
        return key
