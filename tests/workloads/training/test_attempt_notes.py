"""What a training notes of its attempts, and what is computed from that: interruptions, lost work, goodput, dollars."""

import json
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.runs.attempts import Attempt, history_of, idle_seconds_of, read_attempt, read_log, utc_text_of
from lifecycle.runs.history import with_spot_report
from lifecycle.runs.limits import with_cost
from lifecycle.runs.report import as_text
from tests.cli.yard import make_project
from tests.lifecycle.runs.records import record, write_record
from tests.workloads.training.conftest import LAUNCH, RunningJob, TrainingJob, wait_until
from tests.workloads.training.test_chaos import kill_the_job
from trainyard_artifacts.fetch import fetch_manifest
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.exit_status import ExitStatus
from trainyard_training.reporting.attempt_notes import DONE, FAILED, FOLDER, AttemptNotes

pytestmark = pytest.mark.xdist_group("training-chaos")

ALONE = [part.replace("=2", "=1") for part in LAUNCH]


def notes_in(logs: str) -> list[Attempt]:
    """The notes of a run, oldest first."""
    store = ObjectStore(logs)
    found = [read_attempt(store.get(name)) for name in store.list() if name.startswith(f"{FOLDER}/")]
    assert None not in found
    return [each for each in found if each is not None]


def change(job: TrainingJob, **fields: object) -> None:
    """Changes how the job goes on, and nothing of what it trains."""
    job.path.write_text(json.dumps(json.loads(job.path.read_text()) | fields))


def test_a_run_that_is_noticed_re_formed_and_killed_tells_what_it_cost(
    new_job: Callable[..., TrainingJob], start: Callable[[TrainingJob, list[str]], RunningJob], tmp_path: Path
) -> None:
    logs = f"file://{tmp_path}/logs"
    job = new_job(
        epochs=400,
        checkpoint_every_steps=40,
        target_accuracy=0.05,
        reporting={"logs_uri": logs, "every_steps": 5},
        report={"pictures": False, "saliency_images": 0},
    )
    noticed = start(job, LAUNCH)
    noticed.wait_for("checkpoint of step ")
    noticed.process.terminate()
    exit_code, said = noticed.end()
    assert exit_code == ExitStatus.STOPPED_EARLY, said
    stopped_at = max(job.checkpoints)

    # The node that is left goes on alone, and is killed long before its next checkpoint.
    change(job, checkpoint_every_steps=8000)
    killed = start(job, ALONE)
    assert killed.wait_for("resumed from ").split() == f"resumed from the checkpoint of step {stopped_at}".split()
    assert wait_until(lambda: notes_in(logs)[-1].step - stopped_at >= 10), "no step was noted"
    kill_the_job(killed, random.Random())
    killed.end()

    change(job, stop_when={"metric": "test_accuracy", "reaches": 0.05})
    exit_code, said = start(job, LAUNCH).end()
    assert exit_code == ExitStatus.DONE, said
    assert f"resumed from the checkpoint of step {stopped_at}\n" in said

    store = ObjectStore(logs)
    entries = read_log(store.get("steps.jsonl"))
    history = history_of(notes_in(logs), idle_seconds=idle_seconds_of(entries))
    notice, kill = history.interruptions
    assert [each.workers for each in history.attempts] == [2, 1, 2]
    assert (notice.reason, notice.lost_steps, notice.lost_seconds) == ("interruption notice (SIGTERM)", 0, 0.0)
    assert (kill.reason, kill.workers_before, kill.workers_after) == ("killed", 1, 2)
    assert kill.lost_steps == history.attempts[1].step - stopped_at >= 10
    assert kill.lost_seconds > 0
    assert history.finished
    assert history.attempts[-1].step == entries[-1]["step"] > stopped_at
    assert history.goodput is not None
    assert 0 < history.goodput < 1
    assert history.useful_seconds + history.lost_seconds < history.paid_seconds

    # At prices that make a second cost dollars.
    cost = {"usd_per_hour": 36_000.0, "on_demand_usd_per_hour": 120_000.0}
    began = history.attempts[0].began
    run = record(deployed_at=utc_text_of(began), cost=cost, interruptions=[], goodput=None, artifacts_dir="")
    outputs = {"checkpoints_uri": f"file://{tmp_path}", "job": "digits", "run": "logs"}
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "logs-log").symlink_to(tmp_path / "logs")
    project = make_project(tmp_path / "shop", "", stack="dev")
    told = with_spot_report(run, outputs, write_record(project, run))
    told = with_cost(told, datetime.fromtimestamp(began + history.paid_seconds, UTC))
    # Records have moments and durations to the second, and each cost to a hundredth of a cent.
    assert told.cost.usd == pytest.approx(history.paid_seconds * 10, abs=10)
    assert told.cost.on_demand_usd == pytest.approx(told.cost.usd * 10 / 3, abs=0.001)
    text = as_text(told)
    assert re.search(r"interruptions +2\n", text)
    assert told.goodput == pytest.approx(history.goodput, abs=1e-4)
    assert re.search(rf"lost work +{kill.lost_steps:,} steps, ", text)
    assert re.search(rf"goodput +{told.goodput:.1%} ", text)
    assert re.search(r"saved by spot capacity +\$[\d,.]+ \(70%\)\n", text)
    assert "steps.jsonl" in {
        artifact.name
        for artifact in fetch_manifest(f"{job.specification.models_uri}/manifest.json", job.origin).artifacts
    }


def test_a_note_says_how_far_an_attempt_is_and_how_it_ended(tmp_path: Path) -> None:
    logs = f"file://{tmp_path}/logs"
    now = [100.0]
    notes = AttemptNotes(logs, 2, warn=pytest.fail, began=90.0, clock=lambda: now[0])
    notes.begin(7)
    for step in (8, 9, 10):
        now[0] += 0.4
        notes.step(step)
    notes.saving(10)
    now[0] += 5
    notes.step(14)
    notes.saved(10)
    notes.end("received SIGTERM")
    notes.end(DONE)
    notes.close()
    (note,) = notes_in(logs)
    assert note.model_dump() == {
        "began": 90.0,
        "training_began": 100.0,
        "first_step": 7,
        "step": 14,
        "step_time": pytest.approx(106.2),
        "saved_step": 10,
        "saved_time": pytest.approx(101.2),
        "workers": 2,
        "ended": pytest.approx(106.2),
        "end": "received SIGTERM",
    }


def test_an_attempt_that_ends_by_an_error_has_failed_and_one_that_never_began_is_not_noted(tmp_path: Path) -> None:
    logs = f"file://{tmp_path}/logs"
    AttemptNotes(logs, 1, warn=pytest.fail, began=80.0).close()
    assert ObjectStore(logs).list() == ()
    notes = AttemptNotes(logs, 1, warn=pytest.fail, began=time.time())
    notes.begin(0)
    notes.close()
    assert [note.end for note in notes_in(logs)] == [FAILED]


def test_notes_that_cannot_be_written_warn_once_and_end_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    warned: list[str] = []
    notes = AttemptNotes(f"file://{folder}", 1, warn=warned.append, began=1.0)
    (folder / FOLDER).write_text("a file where a folder should be")
    notes.begin(0)
    notes.saved(0)
    notes.close()
    assert len(warned) == 1
    assert warned[0].startswith("what interruptions cost is noted no longer: cannot write ")
