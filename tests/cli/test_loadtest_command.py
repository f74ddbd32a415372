"""`yard loadtest`: what it refuses before anything is sent, and where it finds a service."""

from pathlib import Path

import numpy as np
import pytest

from cli.errors import CommandError
from cli.loadtest_clients import tensors_of
from cli.loadtest_request import Asked, understand
from cli.loadtest_target import Endpoint, target_of_urls
from engine.errors import EngineError
from planning.errors import PlanningError
from tests.cli.yard import ROOT, make_project, yard

HERE = ("http://127.0.0.1:8000", "grpc://localhost:8001")
IMAGE = {"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}


def asked(**changes: object) -> Asked:
    """What the command line without a stack asks for."""
    plain: dict[str, object] = {
        "stack": "local",
        "directory": ROOT,
        "urls": list(HERE),
        "model": "digits",
        "protocol": "",
        "token_variable": "",
        "ca": None,
        "certificate": None,
        "key": None,
        "batch_size": 1,
        "inputs": None,
        "max_concurrency": 64,
        "seconds": 5.0,
        "warmup": 1.0,
        "timeout": 10.0,
        "most_seconds": 300.0,
        "most_requests": 1000,
        "p99_ms": None,
        "target_rps": None,
        "headroom": 0.3,
        "measured_replicas": 1,
        "gpus": None,
        "instance_type": "",
        "cloud": "",
        "region": "",
        "capacity": "on_demand",
        "png": None,
    }
    return Asked(**(plain | changes))  # type: ignore[arg-type]


def test_every_bad_option_is_told_at_once_by_its_name(tmp_path: Path) -> None:
    bad = {
        "--url": "ftp://example.com:1",
        "--batch-size": "0",
        "--max-concurrency": "513",
        "--seconds": "-1",
        "--warmup": "nan",
        "--timeout": "0",
        "--most-seconds": "0",
        "--most-requests": "0",
        "--p99-ms": "0",
        "--target-rps": "0",
        "--headroom": "1",
        "--measured-replicas": "0",
        "--gpus": "-1",
        "--instance-type": "g5.huge",
        "--inputs": str(tmp_path / "none.npz"),
        "--png": "a.gif",
    }
    result = yard("loadtest", *(part for option in bad.items() for part in option), cwd=ROOT)
    assert (result.code, result.out) == (2, "")
    told = [line.removeprefix("yard: ").partition(" = ")[0] for line in result.err.splitlines()]
    assert sorted(told) == sorted([*bad, "--model"])


def test_a_stack_without_a_service_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", "")
    with pytest.raises(EngineError, match="nothing is deployed in stack local"):
        understand(asked(urls=[], model="", directory=project))
    with pytest.raises(CommandError, match=r"there is no Pulumi\.yaml"):
        understand(asked(urls=[], model="", directory=tmp_path))


SERVING = """\
import pulumi

for name, value in {
    "manifest_uri": "s3://models/1/manifest.json",
    "job": "digits",
    "run": "1",
    "encryption_key_uri": "aws-kms://key",
    "http_url": "SCHEME://service.example:8443",
    "grpc_url": "service.example:8444",
}.items():
    pulumi.export(name, value)
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_stack_says_where_its_service_is(tmp_path: Path, scheme: str) -> None:
    project = make_project(tmp_path / "shop", SERVING.replace("SCHEME", scheme))
    result = yard("up", "--yes", cwd=project)
    assert result.code == 0, result.err
    target = understand(asked(urls=[], model="", directory=project)).target
    assert target.model == "digits"
    assert [endpoint.url for endpoint in target.endpoints] == [
        f"{scheme}://service.example:8443",
        f"grpc{scheme.removeprefix('http')}://service.example:8444",
    ]
    chosen = understand(asked(urls=[], model="letters", protocol="grpc", directory=project)).target
    assert (chosen.model, chosen.endpoints) == ("letters", target.endpoints[1:])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_concurrency": 0}, "--max-concurrency = 0: must be a number from 1 to 512"),
        ({"instance_type": "g5.xlarge"}, "--instance-type = 'g5.xlarge': must come with --target-rps"),
        ({"region": "us-east-1"}, "--region = 'us-east-1': must come with --instance-type"),
        ({"cloud": "aws"}, "--cloud = 'aws': must come with --instance-type"),
        (
            {"target_rps": 5.0, "instance_type": "g5.xlarge", "region": "mars"},
            "--region = 'mars': the price book has g5.xlarge as on_demand in ",
        ),
        (
            {"target_rps": 5.0, "instance_type": "g5.xlarge", "region": "us-east-1", "gpus": 2},
            "--gpus = 2: must be at most 1, what g5.xlarge has",
        ),
        ({"png": Path("none/a.png")}, "--png = 'none/a.png': must be in a folder that exists"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PlanningError) as refused:
        understand(asked(**changes))
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_examples_are_arrays_without_objects(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, image=np.zeros((3, 1, 8, 8)))
    examples = understand(asked(inputs=file)).plan.examples
    assert examples is not None
    assert examples["image"].shape == (3, 1, 8, 8)
    np.savez(file, image=np.array([object()]))
    with pytest.raises(PlanningError, match=r"--inputs = '.*a\.npz': must be a file of arrays"):
        understand(asked(inputs=file))
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(PlanningError, match=r"--inputs = '.*a\.npy': must be a file of arrays"):
        understand(asked(inputs=tmp_path / "a.npy"))


def test_an_instance_has_all_its_gpus_for_one_replica_unless_told() -> None:
    named = {"target_rps": 5.0, "instance_type": "g5.12xlarge", "region": "us-east-1"}
    for gpus, expected in ((None, 4), (1, 1), (0, 0)):
        need = understand(asked(**named, gpus=gpus)).need
        assert need
        assert need.gpus == expected
    need = understand(asked(target_rps=5.0)).need
    assert need
    assert need.gpus == 0


def test_urls_say_protocol_and_encryption() -> None:
    target = target_of_urls(["grpcs://[::1]:9", "https://example.com:443/models"], "digits", (), "")
    assert target.endpoints == (
        Endpoint("http", "example.com:443/models", is_encrypted=True),
        Endpoint("grpc", "[::1]:9", is_encrypted=True),
    )
    assert [endpoint.url for endpoint in target.endpoints] == ["https://example.com:443/models", "grpcs://[::1]:9"]
    assert [endpoint.is_here for endpoint in target.endpoints] == [False, True]
    assert not target.is_here
    assert [each.protocol for each in target_of_urls(HERE, "digits", ("grpc",), "").endpoints] == ["grpc"]
    assert target_of_urls(HERE, "digits", (), "").is_here


@pytest.mark.parametrize(
    ("urls", "protocols", "message"),
    [
        (["127.0.0.1:8000"], (), "--url = '127.0.0.1:8000': must be http://HOST:PORT"),
        (["http://127.0.0.1"], (), "--url = 'http://127.0.0.1': must be http://HOST:PORT"),
        (["http://127.0.0.1:99999"], (), "--url = 'http://127.0.0.1:99999': must be"),
        (["http://127.0.0.1:8000?a=b"], (), "--url = 'http://127.0.0.1:8000[?]a=b': must be"),
        (["grpc://127.0.0.1:8001/a"], (), "and no path with gRPC"),
        (["http://a:1", "https://b:2"], (), "--url = 'https://b:2': is the second one for http"),
        (["http://a:1"], ("http", "grpc"), "--protocol = 'grpc': must come with a --url for it"),
    ],
)
def test_urls_that_are_none(urls: list[str], protocols: tuple[str, ...], message: str) -> None:
    with pytest.raises(PlanningError, match=message):
        target_of_urls(urls, "digits", protocols, "")


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanningError) as refused:
        target_of_urls(["http://me:swordfish@example.com:8000"], "digits", (), "")
    assert "swordfish" not in str(refused.value)
    assert "--url: must have no user and password in it" in str(refused.value)
    monkeypatch.setenv("SERVICE_TOKEN", "swordfish")
    target = target_of_urls(HERE, "digits", (), "SERVICE_TOKEN")
    assert target.token == "swordfish"
    assert "swordfish" not in repr(target)
    monkeypatch.setenv("SERVICE_TOKEN", "swordfish\r\nmore")
    with pytest.raises(PlanningError, match="must hold one word") as refused:
        target_of_urls(HERE, "digits", (), "SERVICE_TOKEN")
    assert "swordfish" not in str(refused.value)


def test_a_token_goes_to_no_other_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "swordfish")
    with pytest.raises(PlanningError, match=r"must go with grpcs:// to another machine, not grpc://example\.com:8001"):
        target_of_urls(["http://127.0.0.1:8000", "grpc://example.com:8001"], "digits", (), "SERVICE_TOKEN")
    monkeypatch.delenv("SERVICE_TOKEN")
    with pytest.raises(PlanningError, match="--token-variable = 'SERVICE_TOKEN': must name an environment variable"):
        target_of_urls(HERE, "digits", (), "SERVICE_TOKEN")


def test_inputs_are_filled_as_the_model_says() -> None:
    position = {"name": "position", "datatype": "INT64", "shape": [-1]}
    requests = tensors_of([IMAGE, position], 3, None, batches=2)
    for request in requests:
        assert {name: (kind, array.dtype, array.shape) for name, (kind, array) in request.items()} == {
            "image": ("FP32", np.float32, (3, 1, 8, 8)),
            "position": ("INT64", np.int64, (3,)),
        }
    assert not np.array_equal(requests[0]["image"][1], requests[1]["image"][1])


def test_examples_take_turns_over_all_requests() -> None:
    examples = {"image": np.arange(5, dtype=np.uint8).repeat(64).reshape(5, 1, 8, 8)}
    requests = tensors_of([IMAGE], 2, examples, batches=4)
    assert [request["image"][1][:, 0, 0, 0].tolist() for request in requests] == [[0, 1], [2, 3], [4, 0], [1, 2]]
    words = {"text": np.array([b"one", b"two"])}
    (request,) = tensors_of([{"name": "text", "datatype": "BYTES", "shape": [-1]}], 2, words, batches=1)
    assert request["text"][1].tolist() == [b"one", b"two"]


@pytest.mark.parametrize(
    ("tensor", "batch_size", "message"),
    [
        ({"datatype": "BYTES", "shape": [-1, 1]}, 1, "give examples by --inputs"),
        ({"datatype": "FP32", "shape": [-1, -1]}, 1, "give examples by --inputs"),
        ({"datatype": "FP32", "shape": [4]}, 2, "--batch-size = 2: must be 1, since the model takes no batches"),
        ({"datatype": "FP32", "shape": [2**31]}, 1, "too large for a request"),
        ({"datatype": "FP8", "shape": [4]}, 1, "of the type FP8, which this command cannot send"),
    ],
)
def test_inputs_that_cannot_be_filled(tensor: dict[str, object], batch_size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tensors_of([{"name": "image", **tensor}], batch_size, None, batches=1)
