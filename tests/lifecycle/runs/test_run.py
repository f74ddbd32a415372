"""What a run does in which order, when it stops, what it does again, and when it refuses to go on."""

from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.deployer import DeploymentResult
from lifecycle.runs.errors import RunLocked, RunRefused
from lifecycle.runs.record import RunCost, RunLeftover
from lifecycle.runs.run import MAX_REPEATED, RunUnfinished, exit_codes, may_pass
from tests.lifecycle.runs.fake_worlds import FakeWorld, new_run

KILLED = DeploymentResult("failed", "resource", "job training failed with exit code -9; its last lines:\n  epoch 1")
REFUSED = DeploymentResult("failed", "resource", "job training failed with exit code 71; its last lines:\n  too bad")
TOO_DEAR = DeploymentResult("failed", "resource", "job training failed with exit code 72; its last lines:\n")
BAD_SETTINGS = DeploymentResult("failed", "configuration", "trainyard:training.epochs = 0: must be 1 or more")
ENGINE_DIED = DeploymentResult("failed", "program", "the deployment's process ended by SIGKILL before it was done")
BAD_PROGRAM = DeploymentResult("failed", "program", "the program failed: NameError")
LOCKED = DeploymentResult("failed", "locked", "stack dev is locked by someone")
NOT_DESTROYED = DeploymentResult("failed", "resource", "a volume is in use")


def test_a_run_deploys_fetches_destroys_and_audits(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path), new_run(tmp_path)
    record = world.go_on(run)
    assert world.log() == ["up", "fetch", "report", "destroy", "audit"]
    assert (record.phase, record.outcome, record.artifacts_verified) == ("done", "succeeded", True)
    assert (run.artifacts / "model.onnx").read_bytes() == b"a model"
    assert record.metrics == {"test_accuracy": 0.9}
    assert run.read() == record


def test_artifacts_are_brought_where_the_user_wants_them(tmp_path: Path) -> None:
    run = new_run(tmp_path, artifacts_dir=str(tmp_path / "mine"))
    assert FakeWorld(tmp_path).go_on(run).artifacts_dir == str(tmp_path / "mine")
    assert (tmp_path / "mine" / "model.onnx").exists()


@pytest.mark.parametrize("failure", [KILLED, ENGINE_DIED])
def test_what_was_killed_is_done_again(tmp_path: Path, failure: DeploymentResult) -> None:
    world = FakeWorld(tmp_path, ups=[failure, failure])
    record = world.go_on(new_run(tmp_path))
    assert world.log() == ["up", "up", "up", "fetch", "report", "destroy", "audit"]
    assert (record.outcome, record.repeated) == ("succeeded", 2)


def test_what_fails_every_time_is_given_up_and_destroyed(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, ups=[KILLED] * 9)
    record = world.go_on(new_run(tmp_path))
    assert world.log() == ["up"] * (MAX_REPEATED + 1) + ["report", "destroy", "audit"]
    assert (record.outcome, record.cause, record.reason) == ("failed", "resource", KILLED.reason)
    assert not record.artifacts_verified


@pytest.mark.parametrize("failure", [REFUSED, BAD_SETTINGS, BAD_PROGRAM])
def test_what_would_fail_again_is_not_repeated(tmp_path: Path, failure: DeploymentResult) -> None:
    world = FakeWorld(tmp_path, ups=[failure])
    record = world.go_on(new_run(tmp_path))
    assert world.log() == ["up", "report", "destroy", "audit"]
    assert (record.outcome, record.cause, record.reason) == ("failed", failure.cause, failure.reason)
    assert not may_pass(failure)


def test_a_training_that_has_cost_enough_stops_the_run(tmp_path: Path) -> None:
    run = new_run(tmp_path, max_cost_usd=3.0, cost=RunCost(usd_per_hour=2.0))
    record = FakeWorld(tmp_path, ups=[TOO_DEAR]).go_on(run)
    assert (record.outcome, record.reason) == ("stopped", "it has cost the 3.00 USD that it may")


def test_a_stack_that_another_deployment_holds_is_left_alone(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path, ups=[LOCKED]), new_run(tmp_path)
    with pytest.raises(RunUnfinished, match=f"stack dev is locked by someone\nto go on.*--resume {run.id}"):
        world.go_on(run)
    assert (run.read().phase, world.log()) == ("up", ["up"])
    assert world.go_on(run).outcome == "succeeded"


def test_a_run_whose_user_stops_it_is_destroyed(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, ups=[DeploymentResult("cancelled")])
    record = world.go_on(new_run(tmp_path))
    assert (record.outcome, record.reason) == ("stopped", "its user stopped it")
    assert not world.deployed.exists()


def test_its_longest_time_stops_a_run_that_goes_on(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, runs_for_ever=True)
    record = world.go_on(new_run(tmp_path, max_hours=1e-6))
    assert (record.outcome, record.reason) == ("stopped", "its 1e-06 hours are over")
    assert not world.deployed.exists()


def test_its_largest_cost_stops_a_run_that_goes_on(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, runs_for_ever=True)
    cost = RunCost(usd_per_hour=3.0)
    world.now += timedelta(minutes=20)
    run = new_run(tmp_path, max_cost_usd=1.0, cost=cost, deployed_at="2026-11-26T12:00:00Z")
    record = world.go_on(run)
    assert (record.outcome, record.reason) == ("stopped", "it has cost the 1.00 USD that it may")
    assert record.cost.usd == 1.0
    assert record.cost.seconds == 1200


def test_a_run_that_is_taken_up_after_its_time_trains_no_more(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path)
    world.deployed.touch()
    world.now += timedelta(hours=5)
    record = world.go_on(new_run(tmp_path, deployed_at="2026-11-26T12:00:00Z"))
    assert world.log() == ["report", "destroy", "audit"]
    assert (record.outcome, record.reason) == ("stopped", "its 1 hours are over")


def test_artifacts_that_cannot_be_brought_keep_the_stack(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path, unfetchable=99), new_run(tmp_path)
    with pytest.raises(RunUnfinished, match="--override unverified-artifacts"):
        world.go_on(run)
    assert world.log() == ["up"] * (MAX_REPEATED + 1)
    assert (run.read().phase, world.published.exists()) == ("fetch", True)
    assert "cannot be brought" in run.read().reason
    world.unfetchable = 0
    record = world.go_on(run)
    assert (record.outcome, record.reason) == ("succeeded", "")


def test_artifacts_that_cannot_be_brought_are_given_up_if_the_user_says_so(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path, unfetchable=99), new_run(tmp_path)
    record = world.go_on(run, unverified=True)
    assert (record.outcome, record.cause, record.artifacts_verified) == ("failed", "artifacts", False)
    assert not world.deployed.exists()


def test_artifacts_that_cannot_be_brought_are_given_up_once_the_run_has_expired(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, unfetchable=99)
    world.now += timedelta(hours=3)
    record = world.go_on(new_run(tmp_path, phase="fetch"))
    assert (record.outcome, record.cause) == ("failed", "artifacts")


def test_a_stack_that_cannot_be_destroyed_leaves_the_run_unfinished(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path, destroys=[NOT_DESTROYED] * 3), new_run(tmp_path)
    with pytest.raises(RunUnfinished, match="could not be destroyed: a volume is in use"):
        world.go_on(run)
    assert (run.read().phase, run.read().outcome) == ("destroy", "succeeded")
    assert world.go_on(run).is_over
    assert world.log() == ["up", "fetch", "report", *["destroy"] * 4, "audit"]


def test_a_foreign_account_is_neither_deployed_to_nor_destroyed_in(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, account_is_foreign=True)
    for phase in ("up", "destroy"):
        with pytest.raises(RunRefused, match="another one"):
            world.go_on(new_run(tmp_path, phase=phase))
    assert world.log() == []


def test_what_is_left_is_in_the_record(tmp_path: Path) -> None:
    left = RunLeftover(kind="EBS volume", id="vol-1", removal=("aws ec2 delete-volume --volume-id vol-1",))
    record = FakeWorld(tmp_path, leftovers=(left,)).go_on(new_run(tmp_path))
    assert (record.is_over, record.leftovers) == (True, (left,))


def test_only_one_process_works_on_a_run(tmp_path: Path) -> None:
    world, run = FakeWorld(tmp_path), new_run(tmp_path)
    with run.lock():
        assert run.is_locked()
        with pytest.raises(RunLocked, match=rf"run {run.id} is being worked on by process \d+"):
            world.go_on(run)
    assert not run.is_locked()
    assert world.log() == []


def test_a_training_that_stops_as_the_time_is_nearly_over_is_not_begun_again(tmp_path: Path) -> None:
    stopped_early = DeploymentResult("failed", "resource", "job training stopped before its end and keeps what it has")
    world = FakeWorld(tmp_path, ups=[stopped_early])
    world.now += timedelta(minutes=59, seconds=30)
    record = world.go_on(new_run(tmp_path, deployed_at="2026-11-26T12:00:00Z"))
    assert world.log() == ["up", "report", "destroy", "audit"]
    assert (record.outcome, record.reason) == ("stopped", "its 1 hours are over")


BROKEN_SERVICE = DeploymentResult("failed", "resource", "service serving was not ready within 60 seconds")


def test_a_service_that_fails_does_not_lose_what_was_trained(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, ups=[BROKEN_SERVICE] * 3)
    record = world.go_on(new_run(tmp_path, with_service=True))
    assert world.log() == [*["up"] * 3, "without-service", "up", "fetch", "report", "destroy", "audit"]
    assert (record.outcome, record.cause, record.reason) == ("failed", "resource", BROKEN_SERVICE.reason)
    assert record.artifacts_verified


def test_a_run_that_fails_with_and_without_its_service_is_destroyed(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, ups=[BROKEN_SERVICE] * 4)
    record = world.go_on(new_run(tmp_path, with_service=True))
    assert world.log() == [*["up"] * 3, "without-service", "up", "report", "destroy", "audit"]
    assert (record.outcome, record.artifacts_verified) == ("failed", False)


def test_a_training_that_fails_is_not_repeated_without_the_service(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, ups=[REFUSED])
    assert world.go_on(new_run(tmp_path, with_service=True)).outcome == "failed"
    assert world.log() == ["up", "report", "destroy", "audit"]


def test_only_a_job_s_exit_code_counts() -> None:
    assert exit_codes("job training failed with exit code -9; its last lines:\n") == {-9}
    said = "Container job for pod trainyard/training-0-x7p2q failed with exit code 72 matching FailJob rule at index 2"
    assert exit_codes(f"The job training has failed. PodFailurePolicy: {said}") == {72}
    assert exit_codes("service serving ended with exit code 71; its last lines:\n  exit code 2") == set()
