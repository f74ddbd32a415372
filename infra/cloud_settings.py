"""The settings that every cloud has alike: images, budget, and who GitHub's workflows are."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from infra.cloud_setting_values import Digest, EmailAddress
from infra.setting_types import Group, ImageByDigest, Real, Truth, pattern, refuse


class GitHubSettings(Group):
    """Identities for GitHub Actions, by OpenID Connect: no key is stored anywhere."""

    repository: Annotated[str, pattern(r"[\w.-]+/[\w.-]+", "OWNER/REPOSITORY")] = ""
    """Repository whose workflows may preview and deploy, as OWNER/REPOSITORY; empty: none."""
    deploy_environment: Annotated[str, pattern(r"[\w.-]+", "the name of an environment: letters, digits and _.-")] = ""
    """GitHub environment whose jobs may deploy; empty: the stack's name."""
    default_branch: Annotated[str, pattern(r"[\w./-]+", "the name of a branch")] = "main"
    """Branch whose jobs may preview, as pull requests may."""
    create_provider: Truth = True
    """Whether to make the account's identity provider for GitHub; false where another stack did."""
    state_bucket: Annotated[str, pattern(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")] = ""
    """Bucket of Pulumi's state, which both read and deploy writes; empty where the state is elsewhere."""


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
