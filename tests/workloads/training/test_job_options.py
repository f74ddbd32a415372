"""What a job file can ask for beyond the main job: other models and data, one's own model, limits and logs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workloads.training.conftest import TrainingJob
from trainyard_artifacts.fetch import fetch_manifest
from trainyard_artifacts.storage import ObjectStore
from trainyard_training import dataset
from trainyard_training.exit_status import ExitStatus

NewJob = Callable[..., TrainingJob]

OWN_MODEL = '''
"""A model of one's own."""

from torch import nn

from trainyard_training.models import register_model


@register_model("own")
def build(shape, *, hidden: int = 8):
    pixels = shape.input_shape[1] * shape.input_shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, shape.labels))
'''


def test_a_model_of_ones_own_is_one_file(new_job: NewJob, tmp_path: Path) -> None:
    file = tmp_path / "own_model.py"
    file.write_text(OWN_MODEL)
    model = {"name": "own", "module": str(file), "options": {"hidden": 16}}
    job = new_job(model=model, epochs=2, target_accuracy=0.3)
    assert job.run_here() is ExitStatus.DONE
    assert "manifest.json" in job.published


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "alexnet"}, "model.name: there is no model 'alexnet'; there are binary, digits, lenet, "),
        ({"name": "resnet", "options": {"widht": 8}}, "model.options: 'resnet' has no option widht; it takes width, b"),
        ({"name": "resnet", "options": {"width": 9}}, "do not fit 'resnet': width must be a multiple of 8, found 9"),
        ({"name": "lenet"}, "'lenet' takes images of at least 16 x 16 pixels, the data set's examples have the shape"),
        ({"name": "own", "module": "no_such_module"}, "model.module: 'no_such_module' cannot be imported: ModuleNotF"),
    ],
    ids=["unknown", "option", "value", "data", "module"],
)
def test_a_model_that_cannot_be_built(
    new_job: NewJob, model: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job(model=model)
    assert job.run_here() is ExitStatus.BAD_SPECIFICATION
    assert message in capsys.readouterr().err
    assert (job.checkpoints, job.published) == ([], ())


def test_the_binary_task_is_learnt_from_streams_that_do_not_fit_in_memory(new_job: NewJob, tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/binary"
    rows = {"train_examples": 2048, "test_examples": 512, "features": 50}
    (tmp_path / "DATASET.json").write_text(
        json.dumps({"datasets_uri": uri, "shards": 8, "seed": 1, "source": "binary", "binary": rows})
    )
    assert dataset.main([str(tmp_path / "DATASET.json")]) is ExitStatus.DONE
    options = {"streams": 2, "cache_mib": 0}
    job = new_job(datasets_uri=uri, model={"name": "binary"}, input=options, epochs=5, target_accuracy=0.93)
    assert job.run_here() is ExitStatus.DONE
    manifest = fetch_manifest(f"{job.specification.models_uri}/manifest.json", job.origin)
    assert manifest.model.labels == ("no", "yes")
    assert manifest.metrics["test_accuracy"] <= 0.99, "better than the best that is possible"


def test_a_run_ends_as_soon_as_it_is_good_enough_and_writes_its_log(
    new_job: NewJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = f"file://{tmp_path}/logs"
    job = new_job(
        epochs=50,
        target_accuracy=0.5,
        stop_when={"metric": "test_accuracy", "reaches": 0.6},
        reporting={"logs_uri": logs, "tensorboard": True, "every_steps": 10},
    )
    assert job.run_here() is ExitStatus.DONE
    assert " of 1100" not in capsys.readouterr().out
    entries = [json.loads(line) for line in ObjectStore(logs).get("steps.jsonl").splitlines()]
    asked = [entry for entry in entries if "test_accuracy" in entry]
    assert [entry["test_accuracy"] >= 0.6 for entry in asked] == [False] * (len(asked) - 1) + [True]
    for entry in entries:
        assert entry["examples_per_second"] > 0
        assert 0 <= entry["data_wait_share"] <= 1
        assert entry["memory_mib"] > 100

    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    events = list(EventFileLoader(str(tmp_path / "logs" / "events.out.tfevents.0000000000.trainyard")).Load())
    told = [value.tag for event in events for value in event.summary.value]
    assert told.count("loss") == len(entries)
    assert told.count("test_accuracy") == len(asked)


def test_a_run_that_has_cost_enough_stops_with_a_checkpoint_and_counts_all_its_attempts(
    new_job: NewJob, capsys: pytest.CaptureFixture[str]
) -> None:
    # No checkpoint but the one of the stop: how many steps the money buys depends on how busy the machine is.
    dear = {"resources": {"usd_per_hour": 3600.0}, "epochs": 400, "checkpoint_every_steps": 8000}
    job = new_job(**dear, maximum_cost_usd=0.2)
    assert job.run_here() is ExitStatus.TOO_DEAR
    assert ": reached maximum_cost_usd (0.2); raise it and run again to go on" in capsys.readouterr().out
    (reached,) = job.checkpoints
    assert job.run_here() is ExitStatus.TOO_DEAR
    assert max(job.checkpoints) <= reached + 1, "what was spent before counts"
    assert new_job(**dear, maximum_cost_usd=1000).run_here(ticks=20) is ExitStatus.OUT_OF_TIME
