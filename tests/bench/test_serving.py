"""The serving benchmark: which loads it compares, what it makes of what was measured, and what it says of a peer that
is not there."""

import py_compile
from pathlib import Path

import pytest

from bench import serving
from bench.errors import BenchError
from bench.peers import FOLDER_VARIABLE
from bench.results import Result
from bench.serving_environments import PEERS as FOLDER_OF_PEERS
from bench.serving_environments import EnvironmentFailed, find_or_make, version_of
from bench.serving_ladder import CLIENTS, Rung
from bench.serving_servers import OURS, PEERS, TRITON_VARIABLE, Kind, started

MEMORY = {"trainyard": 100.0, "fastapi": 300.0, "litserve": 800.0, "mlserver": 900.0}


def rungs(*each: tuple[int, float]) -> dict[int, Rung]:
    """Rungs of so many clients with so many milliseconds for every request, asked for two seconds."""
    return {
        clients: Rung(clients, [milliseconds] * int(2_000 * clients / milliseconds), 2.0, 0.5)
        for clients, milliseconds in each
    }


def measured(**changes: dict[int, Rung]) -> dict[tuple[str, str], dict[int, Rung]]:
    """What was measured where ours takes 2 ms for 4 clients, 4 ms with JSON, and the others 16 ms; with changes."""
    slow = rungs((1, 5.0), (4, 16.0), (16, 64.0))
    return {
        ("trainyard", "binary tensors"): changes.get("binary", rungs((1, 1.0), (4, 2.0), (16, 80.0))),
        ("trainyard", "JSON"): changes.get("json", rungs((1, 2.0), (4, 4.0))),
        ("fastapi", "JSON"): changes.get("fastapi", slow),
        ("litserve", "JSON"): changes.get("litserve", slow),
        ("mlserver", "JSON"): changes.get("mlserver", slow),
    }


def by_name(results: list[Result]) -> dict[str, Result]:
    return {each.name: each for each in results}


def test_each_peer_is_compared_at_its_best_load_within_the_limit() -> None:
    results = by_name(serving.results_of("lenet", measured(), MEMORY, {"cores": 2}))
    assert list(results) == [
        *(f"serving/throughput/lenet/{peer.name}{suffix}" for peer in PEERS for suffix in ("", "/json")),
        *(f"serving/memory/lenet/{peer.name}" for peer in PEERS),
    ]
    faster = results["serving/throughput/lenet/fastapi"]
    assert (faster.value, faster.unit, faster.ratio, faster.met) == (0.5, "ms", 0.125, True)
    assert faster.compared_with is not None
    assert faster.compared_with.what == "FastAPI + PyTorch: 250 a second, 4 clients, p99 16.0 ms"
    assert faster.machine == {"cores": 2, "ours": "2,000 a second, 4 clients, p99 2.0 ms"}
    with_json = results["serving/throughput/lenet/fastapi/json"]
    assert (with_json.value, with_json.ratio, with_json.met) == (1.0, 0.25, None)
    memory = results["serving/memory/lenet/mlserver"]
    assert (memory.value, memory.unit, memory.ratio) == (100.0, "MiB", pytest.approx(1 / 9))


def test_a_peer_that_is_faster_is_a_miss() -> None:
    results = by_name(serving.results_of("lenet", measured(mlserver=rungs((64, 20.0))), MEMORY, {}))
    assert [results[f"serving/throughput/lenet/{peer.name}"].met for peer in PEERS] == [True, True, False]


def test_a_peer_that_is_never_within_the_limit_is_compared_at_its_lowest_p99_and_named() -> None:
    results = by_name(serving.results_of("lenet", measured(litserve=rungs((4, 90.0), (1, 60.0))), MEMORY, {}))
    compared = results["serving/throughput/lenet/litserve"].compared_with
    assert compared is not None
    assert compared.what == "LitServe: 16 a second, 1 client, p99 60.0 ms, never within 50 ms"


@pytest.mark.parametrize("slow", ["binary", "json"])
def test_ours_beyond_the_limit_is_an_error_and_no_result(slow: str) -> None:
    with pytest.raises(BenchError, match=r"Trainyard's Triton is at no load within 50 ms .* p99 70.0 ms, never within"):
        serving.results_of("lenet", measured(**{slow: rungs((1, 70.0))}), MEMORY, {})


def test_a_peer_that_was_left_out_has_results_that_compare_with_nothing() -> None:
    without = {key: rungs for key, rungs in measured().items() if key[0] != "mlserver"}
    machine = {"left_out": {"mlserver": "no network"}}
    memory = {name: value for name, value in MEMORY.items() if name != "mlserver"}
    results = by_name(serving.results_of("lenet", without, memory, machine))
    left_out = [each for name, each in results.items() if "mlserver" in name]
    assert [(each.compared_with, each.met) for each in left_out] == [(None, None)] * 3
    assert all(each.machine["left_out"] == {"mlserver": "no network"} for each in results.values())
    assert results["serving/throughput/lenet/fastapi"].met is True


def test_times_that_the_clients_limit_say_so() -> None:
    busy = {4: Rung(4, [2.0] * 4_000, 2.0, 1.9)}
    results = by_name(serving.results_of("lenet", measured(binary=busy), MEMORY, {}))
    assert results["serving/throughput/lenet/fastapi"].machine["ours"].endswith("limited by the clients")


def test_without_tritonserver_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRITON_VARIABLE, str(tmp_path / "nowhere"))
    assert serving.missing() == (
        f"there is no environment with tritonserver at {tmp_path / 'nowhere'} (`make setup` makes it where one can run)"
    )
    with pytest.raises(BenchError, match="no environment with tritonserver"):
        serving.measure_serving(tmp_path, lambda _: None)


def test_peers_that_cannot_be_installed_are_left_out_by_name_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "triton" / "bin").mkdir(parents=True)
    (tmp_path / "triton" / "bin" / "python3").touch()
    monkeypatch.setenv(TRITON_VARIABLE, str(tmp_path / "triton"))

    def offline(name: str) -> Path:
        if name == "fastapi":
            return tmp_path / name
        raise EnvironmentFailed(f"no route to the index of {name}")

    asked: list[dict[str, Path]] = []

    def measure(_served: object, environments: dict[str, Path], _work: Path, progress: object) -> tuple[object, object]:
        asked.append(environments)
        found = {key: each for key, each in measured().items() if key[0] in environments}
        return found, {name: MEMORY[name] for name in environments}

    monkeypatch.setattr(serving, "find_or_make", offline)
    monkeypatch.setattr(serving, "make_model", lambda choice, folder: None)
    monkeypatch.setattr(serving, "_measure", measure)
    monkeypatch.setattr(serving, "measure_images", lambda served, environment, work, progress: [])
    told: list[str] = []
    results = serving.measure_serving(tmp_path / "work", told.append)
    assert asked == [{"trainyard": tmp_path / "triton", "fastapi": tmp_path / "fastapi"}] * len(serving.CHOICES)
    reasons = {name: f"no route to the index of {name}" for name in ("litserve", "mlserver")}
    assert all(each.machine["left_out"] == reasons for each in results)
    assert all(list(each.machine["peers"]) == ["fastapi"] for each in results)
    left_out_steps = serving.TURNS * len(CLIENTS) + serving.serving_images.steps()
    assert len(told) == serving.steps() - left_out_steps * len(serving.CHOICES)


def test_an_environment_that_cannot_be_made_gives_the_installers_reason_and_leaves_nothing_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(EnvironmentFailed, match=r"(?i)network|offline|cache|not found"):
        find_or_make("fastapi")
    assert list(tmp_path.rglob("complete")) == []


@pytest.mark.parametrize("peer", [peer.name for peer in PEERS])
def test_each_peer_has_a_list_of_packages_with_its_own_version_and_no_second_pytorch(peer: str) -> None:
    assert version_of(peer)[0].isdigit()
    lines = (FOLDER_OF_PEERS / f"{peer}.txt").read_text().splitlines()
    pinned = [line.partition("==")[0] for line in lines if line and not line.startswith("#")]
    assert {"torch", "numpy"}.isdisjoint(pinned)
    assert all("==" in line for line in lines if line and not line.startswith("#"))


def test_the_peers_programs_compile_and_are_found_where_they_are_started(tmp_path: Path) -> None:
    programs = sorted(FOLDER_OF_PEERS.glob("*.py"))
    for program in programs:
        py_compile.compile(str(program), cfile=str(tmp_path / program.name), doraise=True)
    started_with = ""
    for peer in PEERS:
        (tmp_path / peer.name).mkdir()
        command, _ = peer.command(tmp_path / "environment", tmp_path, tmp_path / peer.name, 1)
        assert Path(command[0]).parent == tmp_path / "environment" / "bin"
        started_with += " ".join(command) + "".join(each.read_text() for each in (tmp_path / peer.name).glob("*.json"))
    names = {program.stem for program in programs} - {"__init__", "network"}
    assert len(names) == len(PEERS)
    assert all(f"bench.peers.{name}" in started_with for name in names)


def test_a_server_that_ends_at_once_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    def fails(environment: Path, model: Path, work: Path, port: int) -> tuple[list[str], dict[str, str]]:
        return ["sh", "-c", f"echo no model in ${FOLDER_VARIABLE}; exit 3"], {}

    kind = Kind("broken", "Broken", OURS.dialects, "/ready", fails)
    with (
        started(kind, environment=tmp_path, model=tmp_path, work=tmp_path / "work", core=None) as server,
        pytest.raises(BenchError) as caught,
    ):
        server.wait_until_ready()
    assert str(caught.value) == f"Broken ended with exit code 3:\nno model in {tmp_path}\n"
