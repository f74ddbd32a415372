"""What keeps an expired stack from being destroyed, and what is told of it; the deployments are played."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import EngineError
from lifecycle.deployer import DeployedResource, DeploymentResult, Show
from lifecycle.reaping.reap import look, reap
from lifecycle.reaping.stacks import World
from lifecycle.runs.errors import RunLocked
from lifecycle.runs.folder import held, runs_folder
from lifecycle.teardown.artifacts import ArtifactsCheck
from lifecycle.teardown.audit import AuditReport, Leftover
from lifecycle.teardown.subject import Subject

BUCKET = DeployedResource("urn:pulumi:dev::yard::aws:s3/bucket:Bucket::models", "aws:s3/bucket:Bucket", "models", False)
THING = DeployedResource("urn:pulumi:dev::yard::aws:ec2/vpc:Vpc::net", "aws:ec2/vpc:Vpc", "vpc-1", False)
OVER = "2020-01-01T00:00:00Z"
PUBLISHED = {"expires_at": OVER, "manifest_uri": "s3://models/job/manifest.json"}


class Played:
    """Stacks that are destroyed as the test says, in the order that is noted."""

    def __init__(self, folder: Path, **outputs: dict[str, Any]) -> None:
        self.folder = folder
        self.outputs = outputs
        self.resources: Sequence[DeployedResource] = [BUCKET, THING]
        self.results: dict[str, DeploymentResult] = {}
        self.destroyed: list[str] = []
        self.fetched: list[Path] = []
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text("name: yard\nruntime: python\n")
        for stack in outputs:
            (folder / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
        self.world = World(
            read_state=lambda subject: (self.resources, self.outputs[subject.stack]),
            make_deployer=lambda _, stack: _Deployer(self, stack),  # type: ignore[arg-type,return-value]
            fetch=self._fetch,
            copy_of=lambda *_: "",
            check=lambda *_: ArtifactsCheck(True, "2 artifacts are signed and whole"),
            caller=lambda _: "123456789012",
            audit=lambda _: AuditReport(looked_at=("everything",)),
        )
        self.fetch_error = ""

    def _fetch(self, outputs: dict[str, Any], stack: str, folder: Path) -> None:
        if self.fetch_error:
            raise EngineError(self.fetch_error)
        self.fetched.append(folder)

    def reap(self, **options: Any) -> list[tuple[str, str, str]]:
        """Name, outcome and text of each that was due."""
        found = look(self.folder, (), self.world)
        done = reap(self.folder, found, self.world, show=lambda _: None, **options)
        return [(each.due.name, each.outcome, each.text) for each in done.reaped]


class _Deployer:
    def __init__(self, played: Played, stack: str) -> None:
        self._played, self._stack = played, stack

    def destroy(self, show: Show) -> DeploymentResult:
        self._played.destroyed.append(self._stack)
        return self._played.results.get(self._stack, DeploymentResult("succeeded"))


def test_what_would_be_lost_keeps_the_stack_until_somebody_decides(tmp_path: Path) -> None:
    played = Played(tmp_path, dev=PUBLISHED)
    [(name, outcome, text)] = played.reap()
    assert (name, outcome, played.destroyed) == ("dev", "refused", [])
    assert "s3://models/job/manifest.json" in text
    assert "yard reap -s dev --fetch DIR" in text
    assert [each[1] for each in played.reap(overrides=["unverified-artifacts"])] == ["reaped"]
    assert played.destroyed == ["dev"]


def test_what_is_brought_and_verified_first_is_not_lost(tmp_path: Path) -> None:
    played = Played(tmp_path, dev=PUBLISHED)
    played.fetch_error = "the signature is wrong"
    [(_, outcome, text)] = played.reap(fetch_to=tmp_path / "kept")
    assert (outcome, played.destroyed) == ("refused", [])
    assert "the signature is wrong" in text
    played.fetch_error = ""
    assert [each[1] for each in played.reap(fetch_to=tmp_path / "kept")] == ["reaped"]
    assert played.fetched == [tmp_path / "kept" / "dev"]


def test_a_copy_or_data_that_outlives_the_stack_lets_it_go(tmp_path: Path) -> None:
    played = Played(tmp_path, dev=PUBLISHED)
    played.resources = [THING]
    assert [each[1] for each in played.reap()] == ["reaped"]
    played.resources = [BUCKET, THING]
    played.world = replace(played.world, check=lambda *_: ArtifactsCheck(None, "gone"))
    assert [each[1] for each in played.reap()] == ["reaped"]
    played.world = replace(played.world, copy_of=lambda *_: "/somewhere", check=lambda *_: ArtifactsCheck(False, ""))
    assert [each[1] for each in played.reap()] == ["reaped"]


def test_protected_stacks_and_other_accounts_are_no_reapers_business(tmp_path: Path) -> None:
    late = {"expires_at": OVER}
    played = Played(tmp_path, dev=late, prod=late, aws=late, gcp=late)
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  yard:environment: prod\n")
    (tmp_path / "Pulumi.aws.yaml").write_text(
        'config:\n  yard:cloud: aws\n  aws:region: eu-west-1\n  yard:aws: {account_id: "999999999999"}\n'
    )
    (tmp_path / "Pulumi.gcp.yaml").write_text(
        "config:\n  yard:cloud: gcp\n  gcp:project: ml-platform\n  gcp:region: europe-west4\n"
        '  yard:gcp: {project_number: "123456"}\n'
    )
    callers = {"aws": "123456789012", "gcp": "ml-platform (999999)"}
    played.world = replace(played.world, caller=lambda subject: callers[subject.cloud])
    played.resources = [replace(THING, protect=True)]
    found = {name: (outcome, text) for name, outcome, text in played.reap(overrides=["unverified-artifacts"])}
    assert set(found) == {"dev", "aws", "gcp"}
    assert {outcome for outcome, _ in found.values()} == {"refused"}
    assert "protected" in found["dev"][1]
    assert "999999999999" in found["aws"][1]
    assert "stack gcp is of project ml-platform (123456)" in found["gcp"][1]
    assert played.destroyed == []


def test_each_has_its_turn_and_a_person_can_stop_it(tmp_path: Path) -> None:
    late, to_come = {"expires_at": OVER}, {"expires_at": "9000-01-01T00:00:00Z"}
    played = Played(tmp_path, a=late, b=late, c=late, d=late, e=late, f=to_come, g={})
    played.results = {
        "a": DeploymentResult("failed", "resource", "no rights"),
        "b": DeploymentResult("failed", "locked", "process 5 deploys it"),
        "d": DeploymentResult("cancelled"),
    }
    assert [(name, outcome) for name, outcome, _ in played.reap()] == [
        ("a", "failed"),
        ("b", "busy"),
        ("c", "reaped"),
        ("d", "stopped"),
    ]
    assert played.destroyed == ["a", "b", "c", "d"]


def test_a_stack_that_is_prolonged_meanwhile_stays(tmp_path: Path) -> None:
    played = Played(tmp_path, dev={"expires_at": OVER})
    found = look(tmp_path, (), played.world)
    played.outputs["dev"] = {"expires_at": "9000-01-01T00:00:00Z"}
    [done] = reap(tmp_path, found, played.world, show=lambda _: None).reaped
    assert (done.outcome, played.destroyed) == ("refused", [])
    assert "prolonged" in done.text


def test_what_an_audit_finds_and_what_it_cannot_tell_are_left(tmp_path: Path) -> None:
    played = Played(tmp_path, dev={"expires_at": OVER})
    volume = Leftover("EBS volume", "vol-1", "tagged", ("aws ec2 delete-volume --volume-id vol-1",))
    report = AuditReport(looked_at=("volumes",), leftovers=(volume,), problems=("load balancers: no rights",))
    played.world = replace(played.world, audit=lambda _: report)
    done = reap(tmp_path, look(tmp_path, (), played.world), played.world, show=lambda _: None)
    assert [(left.kind, left.id, left.removal) for left in done.reaped[0].leftovers] == [
        ("EBS volume", "vol-1", volume.removal),
        ("not looked at", "load balancers: no rights", ()),
    ]
    assert (done.is_done, done.has_leftovers) == (True, True)


def test_what_cannot_be_looked_at_counts_where_it_was_asked_for(tmp_path: Path) -> None:
    def no_state(subject: Subject) -> Any:
        raise EngineError("there is no pulumi on PATH")

    played = Played(tmp_path, dev={"expires_at": OVER})
    played.world = replace(played.world, read_state=no_state)
    everything, named = look(tmp_path, (), played.world), look(tmp_path, ("dev",), played.world)
    assert everything.not_looked_at == ("stack dev: there is no pulumi on PATH",)
    assert (everything.is_done, named.is_done) == (True, False)


def test_a_reaper_that_is_killed_before_it_has_looked_is_followed_by_one_that_looks(tmp_path: Path) -> None:
    def killed(subject: Subject) -> AuditReport:
        raise KeyboardInterrupt

    played = Played(tmp_path, dev={"expires_at": OVER})
    audit = played.world.audit
    played.world = replace(played.world, audit=killed)
    with pytest.raises(KeyboardInterrupt):
        played.reap()
    played.resources, played.outputs["dev"] = [], {}
    with pytest.raises(KeyboardInterrupt):
        played.reap()
    played.world = replace(played.world, audit=audit)
    assert [each.reason for each in look(tmp_path, (), played.world).findings.due] == ["unaudited"]
    assert [(name, outcome) for name, outcome, _ in played.reap()] == [("dev", "reaped")]
    assert played.destroyed == ["dev"]
    assert played.reap() == []


def test_two_never_reap_at_the_same_time(tmp_path: Path) -> None:
    played = Played(tmp_path, dev={"expires_at": OVER})
    runs_folder(tmp_path).mkdir(parents=True)
    with held(runs_folder(tmp_path) / ".reap.lock", "{pid}"), pytest.raises(RunLocked, match="is reaping"):
        played.reap()
    assert played.destroyed == []
