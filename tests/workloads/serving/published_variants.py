"""A run that has published its model in two forms, and what stands in for a service of several versions."""

import dataclasses
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cli.deployed_model import DeployedModel
from tests.workloads.conftest import ObjectCloud
from tests.workloads.serving.service_process import LABELS, SIGNATURE, expected_logits, some_images, tiny_model
from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.fetch import Origin
from trainyard_artifacts.manifest import MODEL_NAME, DataVersion, Variant
from trainyard_training.data.examples import Examples, encode_examples
from trainyard_training.finishing.quantization import quantize_dynamic
from trainyard_training.finishing.runtime import open_session
from trainyard_training.publish import TEST_EXAMPLES_NAME, publish

RUN = "0123456789ab"
INT8 = "int8_dynamic"
EXAMPLES = 250

Answer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Published:
    """What was published."""

    manifest_uri: str
    answers: Mapping[str, Answer]
    """By variant: logits (count, 10) for (count, 1, 8, 8)."""
    accuracy: Mapping[str, float]
    """By variant, as the manifest says."""
    bytes: Mapping[str, int]
    test: Examples

    def accuracy_of(self, answer: Answer) -> float:
        """On the test examples."""
        return float(np.mean(answer(self.test.inputs.astype(np.float32)).argmax(axis=1) == self.test.labels))


def publish_variants(cloud: ObjectCloud, models_uri: str) -> Published:
    """Publish as training does; needs the cloud in this process's environment.

    The labels are those that the model in float32 gives, but for every tenth: its accuracy is 0.9.
    """
    images = _doubtful_images()
    labels = expected_logits(images).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % len(LABELS)
    models = {"float32": tiny_model(), INT8: quantize_dynamic(tiny_model())}
    sessions = {name: open_session(model) for name, model in models.items()}
    answers: dict[str, Answer] = {
        name: lambda given, session=session: session.run(None, {"image": given})[0]  # type: ignore[misc]
        for name, session in sessions.items()
    }
    sizes = {name: len(model) for name, model in models.items()}
    test = Examples(images, labels.astype(np.uint8))
    made = Published(f"{models_uri}/manifest.json", answers, {}, sizes, test)
    accuracy = {name: made.accuracy_of(answer) for name, answer in answers.items()}
    artifacts = {"float32": MODEL_NAME, INT8: f"model.{INT8}.onnx"}
    publish(
        Origin(job="digits", run=RUN, key_uri=cloud.key_uri),
        models_uri,
        Envelope(cloud.key_uri),
        {artifacts[name]: model for name, model in models.items()} | {TEST_EXAMPLES_NAME: encode_examples(test)},
        data=DataVersion(index_sha256="0" * 64, train_examples=10, test_examples=EXAMPLES, shards=1),
        metrics={"test_accuracy": accuracy["float32"]},
        model=SIGNATURE,
        variants=[
            Variant(name=name, bytes=len(model), accuracy=accuracy[name], latency_ms=0.25, artifact=artifacts[name])
            for name, model in models.items()
        ],
        chosen_variant="float32",
    )
    return dataclasses.replace(made, accuracy=accuracy)


def deployed(cloud: ObjectCloud, published: Published) -> DeployedModel:
    """A stack that has trained it, as far as manifests are concerned."""
    return DeployedModel(
        manifest_uri=published.manifest_uri,
        job="digits",
        run=RUN,
        encryption_key_uri=cloud.key_uri,
        http_address="",
        grpc_address="",
        environment=cloud.environment,
    )


def _doubtful_images() -> NDArray[np.uint8]:
    """Images whose two best labels are almost as likely, so that fewer bits make for other answers."""
    images = some_images(8 * EXAMPLES)
    second, best = np.sort(expected_logits(images), axis=1)[:, -2:].T
    chosen: NDArray[np.uint8] = images[np.argsort(best - second)[:EXAMPLES]]
    return chosen


@contextmanager
def standing_in(
    versions: Mapping[int, Answer | None], *, largest_batch: int = 16, tells_configuration: bool = True
) -> Iterator[str]:
    """HOST:PORT of KServe v2 over HTTP for the model ``digits``.

    :param versions: What each version answers; None: it fails.
    :param largest_batch: Larger ones are refused.
    :param tells_configuration: Whether it does, which a front forbids.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in two packets would wait for the client to acknowledge the first.
        wbufsize = -1

        def do_GET(self) -> None:
            if self.path.endswith("/config"):
                document = {"max_batch_size": largest_batch, "response_cache": {"enable": True}}
                self.reply(200 if tells_configuration else 403, document)
                return
            tensors = {
                "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
                "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}],
            }
            self.reply(200, {"name": "digits", "versions": list(map(str, [*versions, 1_000_000])), **tensors})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = versions[int(self.path.split("/")[-2])]
            images = np.frombuffer(body[int(self.headers["Inference-Header-Content-Length"]) :], np.float32)
            images = images.reshape(-1, 1, 8, 8)
            if answer is None or len(images) > largest_batch:
                self.reply(400, {"error": "batch-size must be less" if answer else "the version's process has ended"})
                return
            logits = answer(images)
            output = {
                "name": "logits",
                "datatype": "FP32",
                "shape": list(logits.shape),
                "data": logits.ravel().tolist(),
            }
            self.reply(200, {"model_name": "digits", "outputs": [output]})

        def reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
