"""The split as Triton's Python backend runs it: requests that name no version, shared out among releases by weight.

It holds the releases' models itself, so that a request is answered in the process that has picked its release. Each
request is picked for on its own, at random: a share holds over many requests and not over a few. The folder has
``split.json``, which lists the releases, and the ONNX file of each, named by its version.
"""

import json
import random
from pathlib import Path
from typing import Any

import triton_python_backend_utils as backend
from onnx_model import OnnxModel
from server_guard import ServerGuard

METRIC = "trainyard_split_requests_total"


class TritonPythonModel:
    """What the backend looks for; the names of its methods are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the models; an error here keeps the server from becoming ready."""
        folder = Path(__file__).parent
        releases = json.loads((folder / "split.json").read_text(encoding="utf-8"))
        self._weights = [release["percent"] for release in releases]
        self._models = [OnnxModel(folder / f"{release['version']}.onnx", args) for release in releases]
        self._family = backend.MetricFamily(
            name=METRIC,
            description="Requests without a version, by the release that has answered them",
            kind=backend.MetricFamily.COUNTER,
        )
        self._counters = [
            self._family.Metric(
                labels={
                    "model": args["model_name"],
                    "version": str(release["version"]),
                    "run": release["run"],
                    "variant": release["variant"],
                }
            )
            for release in releases
        ]
        self._guard = ServerGuard()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by a release of its own, those of the same release by one run of its model."""
        picked = random.choices(range(len(self._models)), self._weights, k=len(requests))  # noqa: S311  # no secret
        responses: list[Any] = [None] * len(requests)
        for each, model in enumerate(self._models):
            places = [place for place, choice in enumerate(picked) if choice == each]
            if places:
                answers = model.answer([requests[place] for place in places])
                for place, answer in zip(places, answers, strict=True):
                    responses[place] = answer
                self._counters[each].increment(len(places))
        return responses

    def finalize(self) -> None:
        """Let the guard go: this end is one that the server asked for."""
        self._guard.dismiss()
