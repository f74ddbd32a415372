"""Our Triton set-up beside three others, with the same weights on the same core: throughput at a p99, and memory.

Compared with: a plain service of FastAPI and PyTorch, LitServe and MLServer, each as its documentation sets up such a
model (`bench/peers`) and in an environment of its own. Ours is what `yard up` starts: tritonserver with ONNX Runtime in
its Python backend, on a model that has been fetched.

- `throughput/MODEL/PEER`: milliseconds a request, which is 1,000 over requests a second, where a server is at its best
  with a 99th percentile of at most 50 ms, asked by 1, 4, 16 or 64 clients. Target: below theirs. Ours gets binary
  tensors, as its public client sends them; the others JSON, as their documentation does.
- `throughput/MODEL/PEER/json`: the same where ours, too, gets the image as JSON.
- `memory/MODEL/PEER`: MiB of all processes of a server after the load, pages that they share counted once.
- `images/MODEL/...`: what it costs to send images as files (`bench.serving_images`). Ours takes none where it is
  compared with others, who take none either.

A server has one core and computes with one thread; the clients, the same for all, have another core. Servers take turns
at each load, and those whose turn it is not stand still. Each answer is compared with PyTorch's logits.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import serving_images
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.results import Comparison, Result, Target
from bench.serving_client import Dialect, Message, ask
from bench.serving_environments import EnvironmentFailed, find_or_make, version_of
from bench.serving_images import measure_images
from bench.serving_ladder import CLIENTS, LIMIT_MILLISECONDS, Chosen, Rung, choose
from bench.serving_model import CHOICES, Choice, Served, make_model
from bench.serving_servers import OURS, PEERS, Kind, Server, on_core, started, triton_environment, two_cores

NAME = "serving"
TURNS = 2
"""How often every server has its turn at each load."""
SECONDS = 1.5
"""For how long it is asked in each."""
WARM_UP_SECONDS = 0.25
"""Before each turn."""
TARGET = Target(of="ratio", at_most=1.0)

_BUSY = 0.9

Measured = Mapping[tuple[str, str], Mapping[int, Rung]]
"""Rungs by the number of clients, of each server and dialect, by their names."""


def steps(choices: Sequence[Choice] = CHOICES) -> int:
    """How many times `measure_serving` tells its progress."""
    return len(PEERS) + len(choices) * (1 + TURNS * len(CLIENTS) + serving_images.steps())


def missing() -> str | None:
    """Why this cannot be measured on this machine; None where it can."""
    environment = triton_environment()
    if (environment / "bin" / "python3").exists():
        return None
    return f"there is no environment with tritonserver at {environment} (`make setup` makes it where one can run)"


def measure_serving(folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measures all servers; their files are in `folder`, their environments in the user's cache.

    A peer whose environment cannot be made is left out; its results say so, and `machine` says why. Raises BenchError
    where a server does not start, refuses requests or answers something else than PyTorch, and where ours is at no load
    within the limit.
    """
    if reason := missing():
        raise BenchError(reason)
    environments: dict[str, Path] = {OURS.name: triton_environment()}
    left_out: dict[str, str] = {}
    for peer in PEERS:
        progress(f"{peer.title}'s environment")
        try:
            environments[peer.name] = find_or_make(peer.name)
        except EnvironmentFailed as failed:
            left_out[peer.name] = str(failed)
    versions = {peer.name: version_of(peer.name) for peer in PEERS if peer.name in environments}
    machine = {**describe_machine(), "peers": versions, **({"left_out": left_out} if left_out else {})}
    results: list[Result] = []
    for choice in CHOICES:
        progress(f"{choice.name}: {len(environments)} servers start")
        served = make_model(choice, folder / choice.name)
        measured, memory = _measure(served, environments, folder / f"{choice.name}-servers", progress)
        results += results_of(choice.name, measured, memory, machine)
        results += measure_images(served, environments[OURS.name], folder / f"{choice.name}-images", progress)
    return results


def results_of(model: str, measured: Measured, memory: Mapping[str, float], machine: Mapping[str, Any]) -> list[Result]:
    """The results for one model; a peer that was not measured has results without a comparison.

    Raises BenchError where ours is at no load within the limit.
    """
    chosen = {key: choose(rungs) for key, rungs in measured.items()}
    results = []
    for peer in PEERS:
        (dialect,) = peer.dialects
        theirs = chosen.get((peer.name, dialect.name))
        for own, suffix, target in zip(OURS.dialects, ("", "/json"), (TARGET, None), strict=True):
            results.append(
                Result(
                    name=f"{NAME}/throughput/{model}/{peer.name}{suffix}",
                    value=_milliseconds(_within_limit(own, chosen)),
                    unit="ms",
                    compared_with=None if theirs is None else _comparison(peer, theirs),
                    target=target,
                    machine={**machine, "ours": _described(chosen[(OURS.name, own.name)])},
                )
            )
    for peer in PEERS:
        held = memory.get(peer.name)
        results.append(
            Result(
                name=f"{NAME}/memory/{model}/{peer.name}",
                value=memory[OURS.name],
                unit="MiB",
                compared_with=None if held is None else Comparison(what=peer.title, value=held),
                machine=dict(machine),
            )
        )
    return results


def _measure(
    served: Served, environments: Mapping[str, Path], work: Path, progress: Callable[[str], None]
) -> tuple[Measured, dict[str, float]]:
    kinds = [kind for kind in (OURS, *PEERS) if kind.name in environments]
    servers_core, clients_core = two_cores()
    dialects = {dialect for kind in kinds for dialect in kind.dialects}
    messages = {dialect: [dialect.encode(image) for image in served.images] for dialect in dialects}
    measured: dict[tuple[str, str], dict[int, Rung]] = {}
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                started(
                    kind,
                    environment=environments[kind.name],
                    model=served.folder,
                    work=work / kind.name,
                    core=servers_core,
                )
            )
            for kind in kinds
        ]
        for server in servers:
            server.wait_until_ready()
        for server in servers:
            server.hold()
        for turn in range(1, TURNS + 1):
            for clients in CLIENTS:
                progress(f"{served.choice.name}: {clients} at the same time, turn {turn} of {TURNS}")
                for server, dialect in _in_turn(servers, turn):
                    with on_core(clients_core):
                        rung = _ask(server, dialect, messages[dialect], served, clients)
                    rungs = measured.setdefault((server.kind.name, dialect.name), {})
                    rungs.setdefault(clients, Rung(clients)).add(rung)
        memory = {server.kind.name: server.memory_mib() for server in servers}
        for server in servers:
            server.ask_to_end()
    return measured, memory


def _in_turn(servers: Sequence[Server], turn: int) -> Iterable[tuple[Server, Dialect]]:
    pairs = [(server, dialect) for server in servers for dialect in server.kind.dialects]
    return pairs if turn % 2 else reversed(pairs)


def _ask(server: Server, dialect: Dialect, messages: Sequence[Message], served: Served, clients: int) -> Rung:
    server.go_on()
    try:
        for seconds in (WARM_UP_SECONDS, SECONDS):
            rung = ask(server.address, dialect, messages, served.logits, clients=clients, seconds=seconds)
    finally:
        server.hold()
    return rung


def _within_limit(own: Dialect, chosen: Mapping[tuple[str, str], Chosen]) -> Chosen:
    ours = chosen[(OURS.name, own.name)]
    if not ours.within_limit:
        raise BenchError(
            f"{OURS.title} is at no load within {LIMIT_MILLISECONDS:g} ms for {own.name}: at best {ours}; on a machine"
            " that is busy with other things, measure again later"
        )
    return ours


def _comparison(peer: Kind, theirs: Chosen) -> Comparison:
    return Comparison(what=f"{peer.title}: {_described(theirs)}", value=_milliseconds(theirs))


def _described(chosen: Chosen) -> str:
    return f"{chosen}, limited by the clients" if chosen.rung.busy >= _BUSY else str(chosen)


def _milliseconds(chosen: Chosen) -> float:
    return 1_000 / chosen.rung.requests_a_second
