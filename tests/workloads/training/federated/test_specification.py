"""What a federated job file may say, and what is told about one that cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.training.federated.conftest import federated_document, federated_job
from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_federated.identity import bare_environment, read_credentials, with_identity
from trainyard_federated.specification import FederatedSpecification


def refusal(path: Path, document: dict[str, Any]) -> str:
    path.write_text(json.dumps(document))
    with pytest.raises(SpecificationError) as error:
        load_specification(path, FederatedSpecification)
    return str(error.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    document = federated_document(rounds=0, fraction_of_sites=1.5, secret="x")
    document["sites"][0]["datasets_uri"] = "south"
    document["sites"][0]["environment_file"] = "north.env"
    said = refusal(tmp_path / "FEDERATED.json", document)
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "rounds",
        "fraction_of_sites",
        "sites.0.datasets_uri",
        "sites.0.environment_file",
        "secret",
    ]


def test_what_does_not_fit_together_is_told_at_once(tmp_path: Path) -> None:
    document = federated_document(minimum_sites=2, fraction_of_sites=0.5, optimization={"accumulate_steps": 2})
    document["sites"][1] = {**document["sites"][0]}
    document["coordinator"]["models_uri"] = "s3://north/digits/models"
    document["coordinator"]["environment_file"] = "/nowhere/north.env"
    said = refusal(tmp_path / "FEDERATED.json", document)
    for told in (
        "sites: north is the name of more than one",
        "sites: s3://north/digits is the datasets_uri of more than one",
        "sites: /nowhere/north.env is the environment_file of more than one",
        "minimum_sites: 2 are more than train in a round, which are 1",
        "coordinator.models_uri: s3://north/digits/models is in the place of site north",
        "coordinator.environment_file: it is that of site north",
        "optimization.schedule: expected constant",
        "optimization.accumulate_steps: expected 1, found 2",
    ):
        assert told in said


def test_what_is_agreed_on_is_what_is_trained_and_not_where() -> None:
    job = federated_job()
    elsewhere = federated_document()
    elsewhere["sites"][0]["environment_file"] = "/elsewhere/north.env"
    elsewhere["round_seconds"] = 5
    assert federated_job(**elsewhere).agreed_sha256() == job.agreed_sha256()
    for change in ({"learning_rate": 0.2}, {"seed": 8}, {"model": {"name": "digits", "module": "evil"}}):
        assert federated_job(**change).agreed_sha256() != job.agreed_sha256()


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("AWS_SECRET_ACCESS_KEY=hush", 0o640, "is open to others than its owner (mode 0640): chmod 600"),
        ("AWS_SECRET_ACCESS_KEY=hush\nAWS_REGION", 0o600, "AWS_REGION has no value"),
        (None, 0, "cannot be read: No such file or directory"),
    ],
)
def test_an_environment_file_that_cannot_be_used_is_told_without_its_values(
    tmp_path: Path, text: str | None, mode: int, told: str
) -> None:
    path = tmp_path / "north.env"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(SpecificationError) as error:
        read_credentials("sites.north.environment_file", path)
    assert told in str(error.value)
    assert "sites.north.environment_file" in str(error.value)
    assert "hush" not in str(error.value)


def test_a_process_has_one_identity_or_none(tmp_path: Path) -> None:
    callers = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "AWS_SECRET_ACCESS_KEY": "the caller's",
        "AWS_PROFILE": "mine",
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json",
    }
    bare = bare_environment(callers, tmp_path)
    assert not [name for name in bare if name.startswith(("AWS_", "GOOGLE_"))]
    assert bare["HOME"] == str(tmp_path)
    assert bare["FLWR_TELEMETRY_ENABLED"] == "0"
    own = with_identity(bare, {"AWS_SECRET_ACCESS_KEY": "the site's"})
    assert own["AWS_SECRET_ACCESS_KEY"] == "the site's"
    assert "AWS_PROFILE" not in own
