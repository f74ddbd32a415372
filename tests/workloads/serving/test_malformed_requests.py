"""Malformed requests: whatever is sent, the answer is right or an error that says so, and the service serves on."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.workloads.serving.service_process import (
    Answer,
    Service,
    expected_logits,
    running_service,
    service_document,
    service_environment,
    some_images,
)

pytestmark = pytest.mark.xdist_group("triton-service")

PATH = "/v2/models/digits/infer"
COUNT = 32
IMAGES = some_images(COUNT).astype(np.float32)
LIMIT = settings(max_examples=150)

VALID: dict[str, Any] = {
    "id": "4711",
    "inputs": [
        {
            "name": "image",
            "datatype": "FP32",
            "shape": [COUNT, 1, 8, 8],
            "data": IMAGES.ravel().tolist(),
            "parameters": {},
        }
    ],
    "outputs": [{"name": "logits", "parameters": {}}],
    "parameters": {"priority": 0},
}
WHOLE = {"type": "integer", "minimum": 0}
# The protocol's request, https://github.com/kserve/open-inference-protocol, for this model and these images alone.
SCHEMA = {
    "type": "object",
    "required": ["inputs"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "inputs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype", "data"],
                "additionalProperties": False,
                "properties": {
                    "name": {"const": "image"},
                    "shape": {"const": [COUNT, 1, 8, 8]},
                    "datatype": {"const": "FP32"},
                    "data": {
                        "type": "array",
                        "items": {"type": "number"},
                        "minItems": 64 * COUNT,
                        "maxItems": 64 * COUNT,
                    },
                    "parameters": {"const": {}},
                },
            },
        },
        "outputs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {"name": {"const": "logits"}, "parameters": {"const": {}}},
            },
        },
        "parameters": {"type": "object", "additionalProperties": False, "properties": {"priority": {"const": 0}}},
    },
}
# How Triton's messages begin when its JSON reader did not find what it looked for. It answers that with 500.
NOT_THE_PROTOCOLS_JSON = (
    "Unable to parse ", "Unable to set ", "failed to parse the request JSON", "failed to get ", "parameter key ",
)  # fmt: skip

NUMBERS = st.integers(-(2**64), 2**64) | st.integers(-2, 70) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(max_size=8) | st.sampled_from(["image", "logits", "FP32", "INT64", "BYTES", "shared_memory_region"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = st.sampled_from(
    ["binary_data", "binary_data_size", "classification", "shared_memory_region", "shared_memory_byte_size", "timeout"]
)


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """The valid request with one to three parts left out, put in or in another form."""
    document = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 3))):
        holders = list(_holders(document))
        if not holders:
            break
        holder = draw(st.sampled_from(holders))
        if isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(PARAMETERS | WORDS)] = draw(VALUES)
        elif holder:
            # The first numbers of many stand for all.
            key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))[:4]))
            if draw(st.booleans()):
                holder[key] = draw(VALUES)
            else:
                del holder[key]
    assume(_claimed_bytes(document) < 2**24)
    return document


def _holders(document: Any) -> Iterator[Any]:
    if isinstance(document, dict | list):
        yield document
        for each in document.values() if isinstance(document, dict) else document[:2]:
            yield from _holders(each)


def _claimed_bytes(document: Any) -> float:
    """How large the inputs are by their shapes alone: this tritonserver makes room for that without looking further."""
    inputs = document.get("inputs") if isinstance(document, dict) else None
    shapes = [each.get("shape") for each in inputs if isinstance(each, dict)] if isinstance(inputs, list) else []
    sizes = [[abs(size) for size in shape if isinstance(size, int)] for shape in shapes if isinstance(shape, list)]
    return max((8.0 * math.prod(map(float, each)) for each in sizes), default=0.0)


def send(service: Service, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Ask, and make sure that the answer is one of the protocol's."""
    answer = service.ask("POST", PATH, body, headers)
    if answer.status == 200:
        return answer
    # Of what was sent in another encoding than UTF-8, messages quote the bytes as they are.
    error = json.loads(answer.body.decode(errors="replace"))
    assert list(error) == ["error"]
    explained = {
        500: error["error"].startswith(NOT_THE_PROTOCOLS_JSON),
        503: error["error"] == "Request timeout expired" and b"timeout" in body,
    }
    assert 400 <= answer.status < 500 or explained.get(answer.status, False), (answer, body[:500])
    return answer


def require_right(service: Service) -> None:
    (output,) = send(service, json.dumps(VALID).encode()).json()["outputs"]
    np.testing.assert_allclose(np.reshape(output["data"], (COUNT, 10)), expected_logits(IMAGES), rtol=1e-5, atol=1e-4)


def test_a_request_with_parts_of_another_form(service: Service) -> None:
    @LIMIT
    @given(mutations())
    def ask(document: Any) -> None:
        answer = send(service, json.dumps(document).encode())
        if jsonschema.Draft202012Validator(SCHEMA).is_valid(document):
            assert answer.status == 200

    ask()
    require_right(service)


def test_a_request_that_is_cut_off_or_overwritten(service: Service) -> None:
    header = json.dumps(
        {"inputs": [{**VALID["inputs"][0], "data": None, "parameters": {"binary_data_size": IMAGES.nbytes}}]}
    ).replace('"data": null, ', "")
    whole = header.encode() + IMAGES.tobytes()
    lengths = st.integers(-2, len(whole) + 2) | st.integers(-(2**64), 2**64) | st.just(len(header))

    @LIMIT
    @given(
        end=st.integers(0, len(whole)) | st.just(len(whole)),
        length=st.none() | lengths.map(str) | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=4),
        place=st.integers(0, len(header)),
        noise=st.binary(max_size=3),
    )
    def ask(end: int, length: str | None, place: int, noise: bytes) -> None:
        body = whole[:place] + noise + whole[place + len(noise) :]
        send(service, body[:end], {} if length is None else {"Inference-Header-Content-Length": length})

    assert send(service, whole, {"Inference-Header-Content-Length": str(len(header))}).status == 200
    ask()
    require_right(service)


@pytest.mark.xfail(
    strict=True, raises=ConnectionError, reason="Triton 2.51 makes room for any shape that is told in JSON, or aborts"
)
def test_a_request_in_json_that_claims_more_memory_than_there_is(
    model_cloud: Any, triton_environment: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(manifest_uri, cloud.key_uri, tmp_path / "work")
    with running_service(document, tmp_path, service_environment(cloud.environment, triton_environment)) as own:
        tensor = {**VALID["inputs"][0], "shape": [2**40, 1, 8, 8]}
        assert send(own, json.dumps({"inputs": [tensor]}).encode()).status == 400
