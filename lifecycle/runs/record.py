"""The record of one ephemeral run: its journal while it goes on, and its place in the history afterwards. Pure.

A record is rewritten as a whole after each step, so whoever finds it knows where to go on. Times are ISO 8601 in UTC;
amounts of money are US dollars. Nothing in it is secret.
"""

import json
import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lifecycle.runs.errors import RunError

VERSION = 1

Phase = Literal["guard", "up", "fetch", "destroy", "audit", "done"]
"""What a run does next. A phase that was cut off is done again from its beginning, which loses nothing."""
Outcome = Literal["succeeded", "failed", "stopped"]
"""How a run ended: `stopped` at a limit or by its user."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunArtifact(_Frozen):
    """One file that the run has published."""

    name: str
    bytes: int = Field(ge=0)
    sha256: str
    """Of the decrypted file."""


class RunCost(_Frozen):
    """What the run has cost, by the prices of its plan."""

    usd: float = Field(default=0.0, ge=0)
    on_demand_usd: float = Field(default=0.0, ge=0)
    """What the same hours would have cost without spot capacity."""
    seconds: float = Field(default=0.0, ge=0)
    """For how long something was deployed."""
    usd_per_hour: float = Field(default=0.0, ge=0)
    """With every pool at its largest."""
    on_demand_usd_per_hour: float = Field(default=0.0, ge=0)
    """The same without spot capacity."""


class RunInterruption(_Frozen):
    """One time that the training was cut off and went on."""

    at: str
    reason: str
    lost_seconds: float = Field(default=0.0, ge=0)
    """From the last checkpoint to the interruption: work that was done again."""
    lost_steps: int = Field(default=0, ge=0)


class RunLeftover(_Frozen):
    """Something that is still there after the stack was destroyed."""

    kind: str
    id: str
    removal: tuple[str, ...] = ()
    """The commands that remove it."""


class RunPhase(_Frozen):
    """A phase that the run has come to."""

    phase: Phase
    began: str


class RunRecord(_Frozen):
    """All that is known of a run."""

    version: int = VERSION
    id: str
    """YYYYMMDD-HHMMSS-xxxx, so that names sort by time."""
    project: str
    stack: str
    cloud: str
    """local, aws or gcp."""
    created: str
    updated: str
    ended: str | None = None
    phase: Phase = "guard"
    phases: tuple[RunPhase, ...] = ()
    """When each phase began, in order; one that was come back to is there again."""
    outcome: Outcome | None = None
    """Known before the run is done: whatever it is, the stack is destroyed and audited after it."""
    reason: str = ""
    """Why it failed or was stopped, for a person."""
    cause: str = ""
    """What failed, as a deployment names it: configuration, resource, policy, program, artifacts ..."""
    max_hours: float = Field(gt=0)
    max_cost_usd: float = Field(ge=0)
    expires_at: str
    """From then on anybody may destroy the stack."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The stack's configuration by key, secrets left out."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of trainyard (commit or digest of the sources), python, torch, pulumi and the like."""
    plan_sha256: str = ""
    job: str = ""
    run: str = ""
    """The name that the training gives itself, by what is trained and by which code."""
    manifest_uri: str = ""
    manifest_sha256: str = ""
    """Of the verified `manifest.json` that was fetched."""
    artifacts: tuple[RunArtifact, ...] = ()
    artifacts_verified: bool = False
    """Whether the manifest's signature and every hash were found right, and every file is on disk."""
    artifacts_dir: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)
    cost: RunCost = RunCost()
    interruptions: tuple[RunInterruption, ...] = ()
    goodput: float | None = Field(default=None, ge=0, le=1)
    """The share of the training's time that was not lost to interruptions."""
    leftovers: tuple[RunLeftover, ...] = ()
    detached: bool = False
    resumed: int = Field(default=0, ge=0)
    """How often another process has gone on with it."""
    deployed_at: str | None = None
    """When the first deployment began; None: nothing was created."""
    repeated: int = Field(default=0, ge=0)
    """How many deployments failed and were done again."""
    with_service: bool = False
    policy_packs: tuple[str, ...] = ()
    """The folders of the policy packs that judge it, those in the project from its folder on."""
    wanted_cost_usd: float | None = None
    """The most that its user has allowed; None: what the guard has found."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase == "done"

    def changed(self, **fields: Any) -> "RunRecord":
        """The record with other values, checked anew. Raises ValidationError."""
        return RunRecord.model_validate({**dict(self), **fields})

    def encode(self) -> bytes:
        """The record as JSON with a newline at its end."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()


def decode_record(content: bytes, name: str) -> RunRecord:
    """The record that `encode` wrote; `name` is what it was read from. Raises RunError."""
    try:
        document = json.loads(content)
        if isinstance(document, dict) and document.get("version", VERSION) != VERSION:
            found = document["version"]
            raise RunError(f"{name} has version {found!r}, and this yard reads {VERSION}: use the one that wrote it")
        return RunRecord.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(f"{name} is not a run's record: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError:
        raise RunError(f"{name} is not a run's record: it is not JSON") from None


def new_id(now: datetime) -> str:
    """A name for a run that begins now; two of the same second differ."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def utc_text(moment: datetime) -> str:
    """A moment as records have it, to the second."""
    # strftime writes the years before 1000 without their zeros.
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def moment_of(text: str) -> datetime:
    """The moment that a text of a record means. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
