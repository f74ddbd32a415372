"""A running service that takes images: the public clients, real images of digits, and images that are none."""

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from tests.workloads.serving.service_process import (
    LABELS,
    SIGNATURE,
    Service,
    expected_logits,
    publish,
    running_service,
    service_document,
    service_environment,
    wait_for,
)
from trainyard_serving.predict import PredictionError, Protocol
from trainyard_serving.predict_images import predict_images

pytestmark = pytest.mark.xdist_group("triton-images")

DIGITS = load_digits().images[-180:].astype(np.uint8)


def picture(digit: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """A file of a digit's 8 x 8 values from 0 to 16."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(digit.astype(np.float64) * 255 / 16).astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def text_tensor(client: Any, files: list[bytes]) -> Any:
    tensor = client.InferInput("image", [len(files), 1], "BYTES")
    tensor.set_data_from_numpy(np.array(files, dtype=np.object_).reshape(-1, 1))
    return tensor


@pytest.fixture(scope="module")
def images(
    model_cloud: tuple[Any, str], triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service whose model takes the digits' pixels."""
    cloud, manifest_uri = model_cloud
    directory = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        manifest_uri = publish(
            f"{manifest_uri.rpartition('/')[0]}-images",
            cloud.key_uri,
            signature=SIGNATURE.model_copy(update={"largest_value": 16}),
        )
    document = service_document(manifest_uri, cloud.key_uri, directory / "work")
    with running_service(document, directory, service_environment(cloud.environment, triton_environment)) as running:
        yield running


@pytest.mark.parametrize(("protocol", "client"), [("http", tritonclient.http), ("grpc", tritonclient.grpc)])
def test_pictures_of_real_digits_are_named_as_their_pixels_are(
    images: Service, protocol: Protocol, client: Any
) -> None:
    address = images.http if protocol == "http" else images.grpc
    with client.InferenceServerClient(address) as asked:
        for start in range(0, len(DIGITS), 60):
            digits = DIGITS[start : start + 60]
            pixels = client.InferInput("image", [len(digits), 1, 8, 8], "FP32")
            pixels.set_data_from_numpy(digits[:, np.newaxis].astype(np.float32))
            logits = asked.infer("digits", [pixels]).as_numpy("logits").astype(np.float64)
            answer = asked.infer("digits-image", [text_tensor(client, [picture(each) for each in digits])])
            labels, confidences = answer.as_numpy("label"), answer.as_numpy("confidence")
            assert labels.shape == confidences.shape == (len(digits), 1)
            assert [each.decode() for each in labels[:, 0]] == [LABELS[best] for best in logits.argmax(axis=1)]
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            expected = (shares / shares.sum(axis=1, keepdims=True)).max(axis=1)
            np.testing.assert_allclose(confidences[:, 0], expected, 1e-4)
    one_by_one = predict_images(address, "digits", [picture(each) for each in DIGITS[-3:]], protocol=protocol)
    assert [(each.label, each.confidence) for (each,) in one_by_one] == [
        (label.decode(), pytest.approx(confidence, rel=1e-5))
        for label, confidence in zip(labels[-3:, 0], confidences[-3:, 0], strict=True)
    ]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_as_many_guesses_as_are_asked_for(images: Service, protocol: Protocol) -> None:
    address = images.http if protocol == "http" else images.grpc
    sent = [picture(DIGITS[0], kind) for kind in ("PNG", "WEBP")]
    all_of_them, _ = predict_images(address, "digits", sent, protocol=protocol, top_k=10)
    order = np.argsort(-expected_logits(DIGITS[:1])[0])
    assert [each.label for each in all_of_them] == [LABELS[position] for position in order]
    assert sum(each.confidence for each in all_of_them) == pytest.approx(1, abs=1e-5)
    with pytest.raises(PredictionError, match=r"digits-image at .* top_k is 11, expected a whole number from 1 to 10"):
        predict_images(address, "digits", sent, protocol=protocol, top_k=11)
    with pytest.raises(PredictionError, match="there are no images to ask about"):
        predict_images(address, "digits", [], protocol=protocol)


def test_curl_sends_a_file_as_it_is(images: Service, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl")
    for kind, name in (("PNG", "digit.png"), ("JPEG", "digit.jpg")):
        (tmp_path / name).write_bytes(picture(DIGITS[1], kind))
        asked = [curl, "-s", "-S", "--fail-with-body", "-H", "Inference-Header-Content-Length: 0", "--data-binary"]
        url = f"http://{images.http}/v2/models/digits-image/infer"
        answered = subprocess.run([*asked, f"@{tmp_path / name}", url], capture_output=True, check=True).stdout
        header = json.JSONDecoder().raw_decode(answered.decode(errors="replace"))[0]
        assert [(each["name"], each["shape"]) for each in header["outputs"]] == [
            ("confidence", [1, 1]),
            ("label", [1, 1]),
        ]
        if kind == "PNG":
            assert answered.endswith(LABELS[int(expected_logits(DIGITS[1:2]).argmax())].encode())


def test_an_image_that_is_none_fails_its_own_request_and_no_other(images: Service) -> None:
    def ask(number: int) -> tuple[int, bytes]:
        sent = b"no image" if number % 5 == 0 else picture(DIGITS[number])
        answer = images.ask("POST", "/v2/models/digits-image/infer", sent, {"Inference-Header-Content-Length": "0"})
        return answer.status, answer.body

    before = statistics(images, "digits-decode")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(100)))
    for number, (status, body) in enumerate(answers):
        if number % 5 == 0:
            assert status == 400
            assert json.loads(body)["error"].endswith("the image is refused: it is no JPEG, PNG or WebP file")
        else:
            assert status == 200
            assert body.endswith(LABELS[int(expected_logits(DIGITS[number : number + 1]).argmax())].encode())
    after = statistics(images, "digits-decode")
    # Some of them were decoded together, or it would say nothing.
    assert after["execution_count"] - before["execution_count"] < 100


def statistics(service: Service, model: str) -> Any:
    return service.ask("GET", f"/v2/models/{model}/stats").json()["model_stats"][0]


def test_the_one_of_a_batch_is_told_with_its_place_and_in_the_protocols_own_terms(images: Service) -> None:
    files = [picture(DIGITS[0]), picture(DIGITS[1])[:50], picture(DIGITS[2])]
    with (
        tritonclient.grpc.InferenceServerClient(images.grpc) as client,
        pytest.raises(tritonclient.grpc.InferenceServerException) as caught,
    ):
        client.infer("digits-image", [text_tensor(tritonclient.grpc, files)])
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert "image 2 of 3 is refused: the PNG file is damaged" in caught.value.message()
    with pytest.raises(
        PredictionError, match=r"digits-image at .*: image 2 of 3: .*the image is refused: the PNG file is"
    ):
        predict_images(images.http, "digits", files)


@pytest.mark.parametrize("model", ["digits-image", "digits-decode"])
@pytest.mark.parametrize(
    ("shape", "elements"),
    [([2**32, 1], 0), ([0, 1], 0), ([2, 1], 1), ([1, 1], 2), ([65, 1], 65), ([1, 2], 2), ([1], 1)],
)
def test_shapes_that_do_not_fit_are_refused_and_the_service_goes_on(
    images: Service, model: str, shape: list[int], elements: int
) -> None:
    sent = picture(DIGITS[0])
    body = (len(sent).to_bytes(4, "little") + sent) * elements
    tensor = {"name": "image", "shape": shape, "datatype": "BYTES", "parameters": {"binary_data_size": len(body)}}
    header = json.dumps({"inputs": [tensor]}).encode()
    answer = images.ask(
        "POST",
        f"/v2/models/{model}/infer",
        header + body,
        {"Inference-Header-Content-Length": str(len(header))},
    )
    assert answer.status == 400, answer.body
    assert predict_images(images.http, "digits", [sent])


def test_the_server_ends_when_a_process_of_the_decoder_is_killed(model_cloud: tuple[Any, str], images: Service) -> None:
    # The last one, since it ends the service.
    (decoder,) = (each for each in images.stubs() if "digits-decode" in " ".join(each.cmdline()))
    decoder.kill()
    wait_for(lambda: images.process.poll() is not None, "the server's end")
