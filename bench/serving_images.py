"""What an image costs that is sent as a file: decoding, model and labelling, beside the model alone.

One server with both is asked for the same images: as PNG files, where it answers labels and confidences, and as
tensors, where it answers logits. Server and clients have the same cores as beside other servers (`bench.serving`).

- `images/MODEL/throughput`: milliseconds a request, 1,000 over requests a second, where it is at its best with a 99th
  percentile within the limit. Compared with the model alone.
- `images/MODEL/latency`: the median of a request's milliseconds where one client asks. Compared with the model alone.
- `images/MODEL/stage/NAME`: milliseconds that a request spends in one of the three, waiting and computing, where one
  client asks; as the server's own statistics have it. What is missing to the latency is handing over between them.
- `images/MODEL/memory`: MiB of all processes after the load. Compared with those of the model alone.
"""

import io
import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.errors import BenchError
from bench.results import Comparison, Result
from bench.serving_client import BINARY, BINARY_LENGTH, MODEL, Answer, Dialect, Message, ask
from bench.serving_ladder import CLIENTS, LIMIT_MILLISECONDS, Chosen, Rung, choose
from bench.serving_model import LABELS, Served
from bench.serving_servers import OURS_WITH_IMAGES, on_core, started, two_cores
from planning.capacity.measurement import percentile

TURNS = 2
"""How often each way has its turn at each load."""
SECONDS = 1.0
"""For how long the server is asked in each."""
WARM_UP_SECONDS = 0.25
STAGES = {"decode": f"{MODEL}-decode", "model": MODEL, "label": f"{MODEL}-label"}
"""What an image goes through, to the name that the server has for it."""

Rungs = Mapping[int, Rung]
"""By the number of clients."""


def steps() -> int:
    """How many times `measure_images` tells its progress."""
    return 1 + TURNS * len(CLIENTS)


def image_dialect(largest_value: int) -> Dialect:
    """PNG files as they are; an answer is the confidence at the place of its label, and 0 elsewhere.

    Args:
        largest_value: what white is in the images that are encoded.
    """

    def encode(image: NDArray[np.float32]) -> Message:
        levels = np.rint(np.moveaxis(image, 0, -1) * (255 / largest_value)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(levels.squeeze()).save(buffer, "PNG")
        return Message(buffer.getvalue(), {BINARY_LENGTH: "0"})

    return Dialect("PNG files", f"/v2/models/{MODEL}-image/infer", encode, _decode)


def expected_confidences(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the dialect makes of right answers to images with these logits; both are (count, labels)."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    return np.where(shares == shares.max(axis=1, keepdims=True), shares, 0).astype(np.float32)


def measure_images(served: Served, environment: Path, work: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measures one model. Raises BenchError where the server does not start, refuses an image or is wrong about it."""
    name = served.choice.name
    progress(f"{name}: a server for images starts")
    servers_core, clients_core = two_cores()
    ways = {
        "tensors": (BINARY, served.logits),
        "images": (image_dialect(served.choice.largest_value), expected_confidences(served.logits)),
    }
    measured: dict[str, dict[int, Rung]] = {way: {clients: Rung(clients) for clients in CLIENTS} for way in ways}
    with started(
        OURS_WITH_IMAGES, environment=environment, model=served.folder, work=work, core=servers_core
    ) as server:
        server.wait_until_ready()
        messages = {way: [dialect.encode(image) for image in served.images] for way, (dialect, _) in ways.items()}
        stages: dict[str, float] = {}
        for turn in range(1, TURNS + 1):
            for clients in CLIENTS:
                progress(f"{name}: images and tensors, {clients} at the same time, turn {turn} of {TURNS}")
                for way in sorted(ways, reverse=turn % 2 == 0):
                    dialect, expected = ways[way]
                    before = _spent(server.address)
                    for seconds in (WARM_UP_SECONDS, SECONDS):
                        with on_core(clients_core):
                            rung = ask(
                                server.address, dialect, messages[way], expected, clients=clients, seconds=seconds
                            )
                    measured[way][clients].add(rung)
                    if way == "images" and clients == min(CLIENTS):
                        stages = _since(before, _spent(server.address))
        memory = server.memory_mib(), server.memory_mib(without=[STAGES["decode"], STAGES["label"]])
    return results_of(name, measured["images"], measured["tensors"], stages, memory)


def results_of(
    model: str, images: Rungs, tensors: Rungs, stages: Mapping[str, float], memory: tuple[float, float]
) -> list[Result]:
    """The results for one model.

    Args:
        model: its name.
        images: how images were answered.
        tensors: how tensors were.
        stages: milliseconds a request at each stage.
        memory: MiB of the server, and of it without what images need.

    Raises BenchError where either way is at no load within the limit.
    """
    from bench.machine import describe_machine

    machine = describe_machine()
    best, alone = _within_limit("images", choose(images)), _within_limit("tensors", choose(tensors))
    one = min(images)
    medians = [percentile(rungs[one].milliseconds, 50) for rungs in (images, tensors)]
    prefix = f"serving/images/{model}"
    return [
        Result(
            name=f"{prefix}/throughput",
            value=1_000 / best.rung.requests_a_second,
            unit="ms",
            compared_with=Comparison(what=f"the model alone: {alone}", value=1_000 / alone.rung.requests_a_second),
            machine={**machine, "images": str(best)},
        ),
        Result(
            name=f"{prefix}/latency",
            value=medians[0],
            unit="ms",
            compared_with=Comparison(what="the model alone, one client", value=medians[1]),
            machine=machine,
        ),
        *(
            Result(name=f"{prefix}/stage/{stage}", value=spent, unit="ms", machine=machine)
            for stage, spent in stages.items()
        ),
        Result(
            name=f"{prefix}/memory",
            value=memory[0],
            unit="MiB",
            compared_with=Comparison(what="the model alone", value=memory[1]),
            machine=machine,
        ),
    ]


def _decode(answer: Answer) -> Sequence[float]:
    from tritonclient.http import InferenceServerClient

    parsed = InferenceServerClient.parse_response_body(answer.body, header_length=int(answer.headers[BINARY_LENGTH]))
    confidences = [0.0] * LABELS
    confidences[int(parsed.as_numpy("label")[0, 0])] = float(parsed.as_numpy("confidence")[0, 0])
    return confidences


def _within_limit(way: str, chosen: Chosen) -> Chosen:
    if not chosen.within_limit:
        raise BenchError(
            f"{OURS_WITH_IMAGES.title} is at no load within {LIMIT_MILLISECONDS:g} ms for {way}: at best {chosen}; on a"
            " machine that is busy with other things, measure again later"
        )
    return chosen


def _spent(address: str) -> dict[str, tuple[int, int]]:
    """Requests answered so far, and the nanoseconds that they spent, at each stage."""
    counted = {}
    for stage, model in STAGES.items():
        with urllib.request.urlopen(f"http://{address}/v2/models/{model}/stats", timeout=10) as answer:
            versions: list[dict[str, Any]] = json.load(answer)["model_stats"]
        success = [each["inference_stats"]["success"] for each in versions]
        counted[stage] = sum(each["count"] for each in success), sum(each["ns"] for each in success)
    return counted


def _since(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Milliseconds a request at each stage."""
    spent = {}
    for stage, (count, nanoseconds) in after.items():
        requests = count - before[stage][0]
        if not requests:
            raise BenchError(f"{STAGES[stage]} has counted no request")
        spent[stage] = (nanoseconds - before[stage][1]) / requests / 1e6
    return spent
