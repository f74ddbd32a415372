"""`yard train` as a user runs it, with a real training on this machine against a real object store."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.yard import make_project, yard
from tests.workloads.conftest import ObjectCloud
from tests.workloads.training.conftest import TrainingJob


def test_a_training_is_submitted_followed_and_fetched(
    new_job: Callable[..., TrainingJob], object_cloud: ObjectCloud, tmp_path: Path
) -> None:
    job = new_job(resources={"usd_per_hour": 3.6}, target_accuracy=0.9, variants={}, report={"pictures": False})
    project = make_project(tmp_path / "project", "")
    followed = yard("train", "submit", str(job.path), "--name", "digits", "--follow", "--json", "-C", str(project))
    assert followed.code == 0, followed.err
    assert "job digits is submitted (local)" in followed.err
    assert "step " in followed.err
    end = json.loads(followed.out)
    assert end["state"] == "succeeded"
    # The very lines of the training, so that what reads metrics from them follows when they change.
    assert set(end["metrics"]) == {"step", "training_loss", "examples_per_second", "test_accuracy"}
    assert end["metrics"]["test_accuracy"] >= 0.9
    assert end["cost_usd"] > 0
    fetched = yard("train", "fetch", "digits", str(tmp_path / "model"), "-C", str(project))
    assert fetched.code == 0, fetched.err
    assert (tmp_path / "model" / "manifest.json").is_file()
    assert "model.onnx" in fetched.out
    secret = object_cloud.environment["AWS_SECRET_ACCESS_KEY"]
    assert all(secret not in path.read_text() for path in (project / ".trainyard" / "jobs" / "digits").iterdir())
