"""The settings of the buckets: what is kept for how long, and whether they are another stack's."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from infra.cloud_setting_values import context
from infra.cloud_settings import BucketSettings
from infra.setting_types import Whole, pattern, refuse


class StorageSettings(BucketSettings):
    """The buckets."""

    tier_datasets_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a data set moves to S3 Intelligent-Tiering."""
    key_arn: Annotated[
        str,
        pattern(
            r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
            "the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID",
        ),
    ] = Field(default="", validate_default=True)
    """ARN of the key of those buckets: that stack's output data_key_arn."""

    @field_validator("key_arn")
    @classmethod
    def _key_is_that_stack_s(cls, arn: str, info: ValidationInfo) -> str:
        stack = info.data.get("from_stack")
        if stack and not arn:
            raise refuse(
                f"must be the ARN of the key of {stack}'s buckets: pulumi stack output data_key_arn --stack {stack}"
            )
        if arn and stack == "":
            raise refuse("must be empty where storage.from_stack is: this stack's buckets have a key of its own")
        _, _, _, region, account, _ = arn.split(":") if arn else [""] * 6
        here = (context(info, "region"), context(info, "account_id"))
        if arn and (region, account) != here:
            raise refuse(f"must be a key of the stack's own region and account, {here[0]} and {here[1]}")
        return arn
