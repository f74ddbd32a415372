"""The settings of the buckets: what is kept for how long, and whether they are another stack's."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from infra.cloud_setting_values import context
from infra.setting_types import Group, Truth, Whole, pattern, refuse


class StorageSettings(Group):
    """The buckets."""

    expire_checkpoints_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a checkpoint is removed."""
    tier_datasets_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a data set moves to S3 Intelligent-Tiering."""
    keep_old_versions_days: Whole = Field(default=30, ge=1, le=3650)
    """Days that what was overwritten or deleted can still be had back."""
    expire_logs_after_days: Whole = Field(default=365, ge=1, le=3650)
    """Days after which logs are removed, those of access to the buckets among them."""
    delete_with_objects: Truth = False
    """Whether `destroy` deletes buckets that still hold objects. Refused in prod."""
    from_stack: Annotated[str, pattern(r"[A-Za-z0-9_.-]{1,100}", "the name of a stack")] = ""
    """Stack of this project, in the same account and region, whose buckets are used instead of buckets of this stack's
    own, which then has none; such as one with `trainyard:part: data`. Empty: own buckets."""
    key_arn: Annotated[
        str,
        pattern(
            r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
            "the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID",
        ),
    ] = Field(default="", validate_default=True)
    """ARN of the key of those buckets: that stack's output data_key_arn."""

    @field_validator("from_stack")
    @classmethod
    def _stack_is_another(cls, stack: str, info: ValidationInfo) -> str:
        if stack and stack == context(info, "stack"):
            raise refuse("must be another stack: this one cannot use its own buckets in place of its own")
        if stack and context(info, "part") == "data":
            raise refuse("must be empty where trainyard:part is data: such a stack has buckets of its own")
        return stack

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

    @field_validator("delete_with_objects")
    @classmethod
    def _production_keeps_its_data(cls, value: bool, info: ValidationInfo) -> bool:
        if value and context(info, "environment") == "prod":
            raise refuse("must be false in prod, whose data outlives a mistake")
        return value
