"""The settings that every cloud has alike: buckets, images, budget, and who GitHub's workflows are."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from infra.cloud_setting_values import Digest, EmailAddress, context
from infra.setting_types import Group, ImageByDigest, Real, Truth, Whole, pattern, refuse, refuse_all


class CloudGroup(Group):
    """A cloud's settings."""

    of_data: ClassVar[frozenset[str]]
    """The settings that a stack of the part data has."""

    @model_validator(mode="after")
    def _data_alone_is_nothing_else(self, info: ValidationInfo) -> Self:
        if context(info, "part") == "data":
            fields = type(self).model_fields
            set_ = [
                name for name in fields if getattr(self, name) != fields[name].get_default(call_default_factory=True)
            ]
            problem = "must be left out where trainyard:part is data: there are buckets and their key, and nothing else"
            if needless := [(name, problem) for name in set_ if name not in self.of_data]:
                raise refuse_all(needless)
        return self


class BucketSettings(Group):
    """What is kept in buckets for how long, and whether they are another stack's."""

    expire_checkpoints_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a checkpoint is removed."""
    keep_old_versions_days: Whole = Field(default=30, ge=1, le=3650)
    """Days that what was overwritten or deleted can still be had back."""
    expire_logs_after_days: Whole = Field(default=365, ge=1, le=3650)
    """Days after which logs are removed, those of access to the buckets among them."""
    delete_with_objects: Truth = False
    """Whether `destroy` deletes buckets that still hold objects. Refused in prod."""
    from_stack: Annotated[str, pattern(r"[A-Za-z0-9_.-]{1,100}", "the name of a stack")] = ""
    """Stack of this project, in the same account (on Google Cloud: project) and region, whose buckets are used instead
    of buckets of this stack's own, which then has none; such as one with `trainyard:part: data`. Empty: own buckets."""

    @field_validator("from_stack")
    @classmethod
    def _stack_is_another(cls, stack: str, info: ValidationInfo) -> str:
        if stack and stack == context(info, "stack"):
            raise refuse("must be another stack: this one cannot use its own buckets in place of its own")
        if stack and context(info, "part") == "data":
            raise refuse("must be empty where trainyard:part is data: such a stack has buckets of its own")
        return stack

    @field_validator("delete_with_objects")
    @classmethod
    def _production_keeps_its_data(cls, value: bool, info: ValidationInfo) -> bool:
        if value and context(info, "environment") == "prod":
            raise refuse("must be false in prod, whose data outlives a mistake")
        return value


class GitHubSettings(Group):
    """Identities for GitHub Actions, by OpenID Connect: no key is stored anywhere."""

    repository: Annotated[str, pattern(r"[\w.-]+/[\w.-]+", "OWNER/REPOSITORY")] = ""
    """Repository whose workflows may preview and deploy, as OWNER/REPOSITORY; empty: none."""
    immutable_ids: Annotated[str, pattern(r"[1-9]\d*/[1-9]\d*", "OWNER_ID/REPOSITORY_ID, both numbers")] = ""
    """GitHub's numbers of the owner and the repository, as OWNER_ID/REPOSITORY_ID, where the subjects of its tokens
    have them: of repositories created, renamed or transferred after 15 July 2026, and of those that opted in. Empty:
    the subjects have names alone."""
    deploy_environment: Annotated[str, pattern(r"[\w.-]+", "the name of an environment: letters, digits and _.-")] = ""
    """GitHub environment whose jobs may deploy; empty: the stack's name."""
    default_branch: Annotated[str, pattern(r"[\w./-]+", "the name of a branch")] = "main"
    """Branch whose jobs may preview, as pull requests may."""
    create_provider: Truth = True
    """Whether to make the account's identity provider for GitHub; false where another stack did."""
    state_bucket: Annotated[str, pattern(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")] = ""
    """Bucket of Pulumi's state, which both read and deploy writes; empty where the state is elsewhere."""

    @field_validator("immutable_ids")
    @classmethod
    def _numbers_are_of_a_repository(cls, numbers: str, info: ValidationInfo) -> str:
        # A repository that is refused itself is not there.
        if numbers and info.data.get("repository") == "":
            raise refuse("must be empty where no repository is named")
        return numbers

    @property
    def subject_prefix(self) -> str:
        """What the subjects of the repository's tokens begin with, before what tells the job.

        Source: GitHub, "OpenID Connect reference", immutable subject claims.
        """
        if not self.immutable_ids:
            return f"repo:{self.repository}"
        owner, repository = self.repository.split("/")
        owner_id, repository_id = self.immutable_ids.split("/")
        return f"repo:{owner}@{owner_id}/{repository}@{repository_id}"


class ImageSettings(Group):
    """Which images run."""

    build: Truth = False
    """Whether `up` builds and pushes the images of this folder (needs docker buildx and
    the credential helper of the cloud's registry)."""
    training_digest: Digest = ""
    """Digest of the training image in the registry, when it is not built here."""
    serving_digest: Digest = ""
    """Digest of the serving image in the registry, when it is not built here."""
    python_image: ImageByDigest = ""
    """Image that the training image is built from: python:3.12-slim by its digest."""
    triton_image: ImageByDigest = ""
    """Image that the serving image is built from: a release of nvcr.io/nvidia/tritonserver by its digest."""

    @model_validator(mode="after")
    def _bases_are_named(self) -> Self:
        for field in ("python_image", "triton_image"):
            if self.build and not getattr(self, field):
                raise refuse("must be the image to build from, since build is true: NAME@sha256:DIGEST", field=field)
        return self


class BudgetSettings(Group):
    """The monthly budget, over everything that has the stack's tag or label."""

    monthly_usd: Real = Field(default=0.0, ge=0, le=10_000_000)
    """US dollars a month; 0: no budget."""
    alert_emails: tuple[EmailAddress, ...] = Field(default=(), max_length=10, validate_default=True)
    """Who is told at 50, 80 and 100 percent of it, and when 100 percent are forecast."""

    @field_validator("monthly_usd")
    @classmethod
    def _amount_is_one(cls, amount: float) -> float:
        if 0 < amount < 1:
            raise refuse("must be 0 (no budget), or a dollar and more")
        return amount

    @field_validator("alert_emails")
    @classmethod
    def _somebody_is_told(cls, addresses: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("monthly_usd") and not addresses:
            raise refuse("must be one address at least, or nobody hears of the budget")
        return addresses
