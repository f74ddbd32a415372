"""Records of runs as tests need them: two finished ones, of which the second was interrupted, and one that goes on."""

from pathlib import Path
from typing import Any

from lifecycle.runs.curve import CurvePoint, keep_curve
from lifecycle.runs.folder import RECORD, RunFolder
from lifecycle.runs.record import RunRecord

FIRST = "20261101-090000-aaaa"
SECOND = "20261102-090000-bbbb"
GOING_ON = "20261103-090000-cccc"


def record(run_id: str = FIRST, **changes: Any) -> RunRecord:
    """A finished run on AWS that nobody has interrupted."""
    fields: dict[str, Any] = {
        "id": run_id,
        "project": "shop",
        "stack": "dev",
        "cloud": "aws",
        "created": "2026-11-01T09:00:00Z",
        "updated": "2026-11-01T10:40:00Z",
        "ended": "2026-11-01T10:40:00Z",
        "deployed_at": "2026-11-01T09:01:00Z",
        "phase": "done",
        "phases": [
            {"phase": phase, "began": f"2026-11-01T{began}Z"}
            for phase, began in (
                ("guard", "09:00:00"),
                ("up", "09:01:00"),
                ("fetch", "10:31:30"),
                ("destroy", "10:32:00"),
                ("audit", "10:39:40"),
                ("done", "10:40:00"),
            )
        ],
        "outcome": "succeeded",
        "max_hours": 2,
        "max_cost_usd": 20,
        "expires_at": "2026-11-01T12:00:00Z",
        "settings": {
            "aws:region": "eu-west-1",
            "trainyard:training": {"epochs": 12, "learning_rate": 0.01, "task": {"source": "digits"}},
        },
        "versions": {"trainyard": "commit 1111111", "python": "3.11.7", "torch": "2.15.0"},
        "plan_sha256": "ab" * 32,
        "job": "digits",
        "run": "0123456789ab",
        "manifest_uri": "s3://shop-dev-models/digits/0123456789ab/manifest.json",
        "manifest_sha256": "cd" * 32,
        "artifacts": [{"name": "model.onnx", "bytes": 71234, "sha256": "ef" * 32}],
        "artifacts_verified": True,
        "artifacts_dir": "/home/ada/shop/.trainyard/runs/20261101-090000-aaaa/artifacts",
        "metrics": {"test_accuracy": 0.9721, "final_training_loss": 0.1234},
        "cost": {
            "usd": 4.95,
            "on_demand_usd": 16.5,
            "seconds": 5940,
            "usd_per_hour": 3.0,
            "on_demand_usd_per_hour": 10.0,
        },
        "interruptions": [],
        "goodput": 0.61,
    }
    return RunRecord.model_validate(fields | changes)


def interrupted() -> RunRecord:
    """A finished run that got a notice, and lost some steps to a kill; its learning rate and code differ."""
    return record(
        SECOND,
        created="2026-11-02T09:00:00Z",
        updated="2026-11-02T10:50:00Z",
        ended="2026-11-02T10:50:00Z",
        phases=[
            {"phase": "guard", "began": "2026-11-02T09:00:00Z"},
            {"phase": "up", "began": "2026-11-02T09:01:00Z"},
            {"phase": "destroy", "began": "2026-11-02T10:41:00Z"},
            {"phase": "done", "began": "2026-11-02T10:50:00Z"},
        ],
        deployed_at="2026-11-02T09:01:00Z",
        settings={
            "aws:region": "eu-west-1",
            "trainyard:training": {"epochs": 12, "learning_rate": 0.02, "task": {"source": "digits"}},
        },
        versions={"trainyard": "commit 2222222", "python": "3.11.7", "torch": "2.15.0"},
        plan_sha256="12" * 32,
        metrics={"test_accuracy": 0.9805, "final_training_loss": 0.0987},
        cost={"usd": 5.45, "on_demand_usd": 18.17, "seconds": 6540, "usd_per_hour": 3.0, "on_demand_usd_per_hour": 10},
        interruptions=[
            {
                "at": "2026-11-02T09:41:07Z",
                "reason": "interruption notice (SIGTERM)",
                "lost_seconds": 0,
                "lost_steps": 0,
            },
            {"at": "2026-11-02T10:03:20Z", "reason": "killed", "lost_seconds": 83.4, "lost_steps": 412},
        ],
        goodput=0.5432,
        resumed=1,
        leftovers=[{"kind": "EBS volume", "id": "vol-0abc", "removal": ["aws ec2 delete-volume --volume-id vol-0abc"]}],
    )


def going_on() -> RunRecord:
    """A run that is being deployed."""
    return record(
        GOING_ON,
        stack="local",
        cloud="local",
        created="2026-11-03T09:00:00Z",
        updated="2026-11-03T09:00:09Z",
        ended=None,
        phase="up",
        outcome=None,
        metrics={},
        cost={},
        goodput=None,
        artifacts=[],
        artifacts_verified=False,
        artifacts_dir="",
        manifest_uri="",
        manifest_sha256="",
        run="",
        job="",
    )


def write_record(project: Path, content: RunRecord, curve: int = 0) -> RunFolder:
    """Writes a record as it is into the project, with a learning curve of so many points."""
    folder = RunFolder(project / ".trainyard" / "runs" / content.id)
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / RECORD).write_bytes(content.encode())
    if curve:
        points = [
            CurvePoint(
                step=step, epoch=step // 22 + 1, loss=2.3 / step, accuracy=1 - 10 / (step + 20), seconds=step * 2.0
            )
            for step in range(25, 25 * curve + 1, 25)
        ]
        keep_curve(folder, points)
    return folder
