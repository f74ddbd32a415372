"""TensorRT: what the configuration says of it, what ONNX Runtime is told, and what is refused. No GPU runs here."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from tests.workloads.serving.bare_server import bare_server
from tests.workloads.serving.service_process import (
    SIGNATURE,
    publish,
    run_to_its_end,
    service_document,
    service_environment,
    tiny_model,
)
from tests.workloads.serving.test_release_rules import fetched, release, specification
from trainyard_artifacts.manifest import TensorSignature, Variant
from trainyard_serving.accelerators import require_precision, tensorrt_optimization
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.model_repository import UnservableModelError, encode_text_format
from trainyard_serving.release_folders import FetchedRelease, configuration_of, repository_folders
from trainyard_serving.triton import find_triton
from trainyard_serving.triton_model.execution_providers import (
    CPU,
    CUDA,
    TENSORRT,
    execution_providers,
    require_used,
    tensorrt_options,
    tensorrt_parameters,
)

BUILT_WITH_ALL = (TENSORRT, CUDA, CPU)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether a folder is in memory")


def as_the_backend_gives_it(text: str) -> Any:
    """A configuration as Triton gives it to the model: JSON, the protobuf's own names."""
    parsed = text_format.Parse(text, model_config_pb2.ModelConfig())
    return json_format.MessageToDict(parsed, preserving_proto_field_name=True)


def configuration(**changes: Any) -> Any:
    asked = specification(release(1, 100), **{"device": "gpu", "accelerator": "tensorrt", **changes})
    return as_the_backend_gives_it(configuration_of(asked, fetched(release(1, 100)).manifest))


def shapes(text: str) -> tuple[str, list[int]]:
    name, _, sizes = text.partition(":")
    return name, [int(size) for size in sizes.split("x")]


@given(
    sizes=st.lists(st.integers(1, 4096), min_size=1, max_size=4),
    name=st.text(st.characters(exclude_characters=":,"), min_size=1),
    largest=st.integers(1, 65_536),
    precision=st.sampled_from(["fp32", "fp16", "int8"]),
    workspace_mib=st.integers(1, 2**20),
    kept=st.booleans(),
    device=st.integers(0, 15),
)
def test_what_is_asked_for_reaches_onnx_runtime_by_way_of_the_configuration(
    sizes: list[int], name: str, largest: int, precision: str, workspace_mib: int, kept: bool, device: int
) -> None:
    optimization = tensorrt_optimization(
        TensorSignature(name=name, dtype="float32", shape=(None, *sizes)),
        max_batch_size=largest,
        precision=precision,
        workspace_mib=workspace_mib,
        engine_dir="/dev/shm/engines" if kept else None,  # noqa: S108  # not made
    )
    parameters = tensorrt_parameters(as_the_backend_gives_it(encode_text_format({"optimization": optimization})))
    assert parameters is not None
    assert parameters.get("trt_engine_cache_path") == ("/dev/shm/engines" if kept else None)  # noqa: S108  # likewise
    options = tensorrt_options(parameters, device=device, engines="/of/this/model" if kept else None)
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == (precision == "fp16", precision == "int8")
    assert options["trt_max_workspace_size"] == workspace_mib * 2**20
    assert options["device_id"] == device
    # Every batch that the server may make is within the range.
    least, best, most = (shapes(options[f"trt_profile_{which}_shapes"]) for which in ("min", "opt", "max"))
    assert {least[0], best[0], most[0]} == {name}
    assert (least[1], best[1], most[1]) == ([1, *sizes], [largest, *sizes], [largest, *sizes])
    caches = {name: value for name, value in options.items() if "cache" in name}
    assert caches == (
        {
            "trt_engine_cache_enable": True,
            "trt_engine_cache_path": "/of/this/model",
            "trt_timing_cache_enable": True,
            "trt_timing_cache_path": "/of/this/model",
        }
        if kept
        else {}
    )


def test_the_configuration_says_it_as_tritons_own_backend_reads_it() -> None:
    found = configuration(precision="fp16", engine_dir="/dev/shm/e", executions_at_once=2)  # noqa: S108  # not made
    assert found["optimization"] == {
        "execution_accelerators": {
            "gpu_execution_accelerator": [
                {
                    "name": "tensorrt",
                    "parameters": {
                        "precision_mode": "FP16",
                        "max_workspace_size_bytes": "1073741824",
                        "trt_profile_min_shapes": "image:1x1x8x8",
                        "trt_profile_opt_shapes": "image:64x1x8x8",
                        "trt_profile_max_shapes": "image:64x1x8x8",
                        "trt_engine_cache_enable": "1",
                        "trt_engine_cache_path": "/dev/shm/e",  # noqa: S108  # likewise
                    },
                }
            ]
        }
    }
    assert found["instance_group"] == [
        {"count": 1, "kind": "KIND_GPU", "rate_limiter": {"resources": [{"name": "executions", "count": 1}]}}
    ]
    plain = configuration(accelerator="none")
    assert "optimization" not in plain
    assert tensorrt_parameters(plain) is None
    assert plain["instance_group"] == [{"count": 1, "kind": "KIND_GPU"}]


@pytest.mark.parametrize(
    ("asked", "kind", "providers"),
    [
        (None, "CPU", [CPU]),
        (None, "GPU", [CUDA, CPU]),
        ({"precision_mode": "FP32"}, "GPU", [TENSORRT, CUDA, CPU]),
    ],
)
def test_what_one_provider_cannot_run_the_next_does(
    asked: Mapping[str, str] | None, kind: str, providers: list[str]
) -> None:
    found = execution_providers(asked, kind=kind, device=3, engines=None, available=BUILT_WITH_ALL)
    assert [name for name, _ in found] == providers
    assert {options["device_id"] for name, options in found if name != CPU} <= {3}
    require_used(found, providers)


@pytest.mark.parametrize(
    ("asked", "kind", "available", "message"),
    [
        ({}, "GPU", [CUDA, CPU], "asks for TensorrtExecutionProvider, and this onnxruntime has only CUDAExecution"),
        (
            {},
            "GPU",
            [CPU],
            "asks for TensorrtExecutionProvider and CUDAExecutionProvider, and this onnxruntime has only",
        ),
        (None, "GPU", [CPU], "asks for CUDAExecutionProvider, and this onnxruntime has only CPUExecutionProvider"),
        ({}, "CPU", BUILT_WITH_ALL, "which runs on GPUs, and this instance is on a CPU"),
        ({"precision_mode": "FP8"}, "GPU", BUILT_WITH_ALL, "parameter precision_mode = 'FP8', which is not known"),
        ({"max_workspace_size_bytes": "1G"}, "GPU", BUILT_WITH_ALL, "max_workspace_size_bytes = '1G', which is not"),
        ({"trt_dla_enable": "1"}, "GPU", BUILT_WITH_ALL, "parameter trt_dla_enable = '1', which is not known"),
    ],
)
def test_what_onnx_runtime_would_pass_over_is_an_error(
    asked: Mapping[str, str] | None, kind: str, available: list[str], message: str
) -> None:
    with pytest.raises((RuntimeError, ValueError), match=message):
        execution_providers(asked, kind=kind, device=0, engines=None, available=available)


def test_a_provider_that_was_left_out_silently_is_an_error() -> None:
    wanted = execution_providers({}, kind="GPU", device=0, engines=None, available=BUILT_WITH_ALL)
    with pytest.raises(RuntimeError, match="TensorrtExecutionProvider and CUDAExecutionProvider could not be used"):
        require_used(wanted, [CPU])
    accelerators = {"gpu_execution_accelerator": [{"name": "openvino"}]}
    with pytest.raises(ValueError, match="asks for the accelerator 'openvino'; there is tensorrt"):
        tensorrt_parameters({"optimization": {"execution_accelerators": accelerators}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"shape": (None, 3, None, 8)},
            r"'image' has shape \[None, 3, None, 8\]; with accelerator tensorrt only the first",
        ),
        ({"name": "image:0"}, "'image:0' has a colon or a comma in its name"),
    ],
)
def test_a_model_whose_shapes_cannot_be_told_ahead(changes: dict[str, Any], message: str) -> None:
    asked = specification(release(1, 100), device="gpu", accelerator="tensorrt")
    model = SIGNATURE.model_copy(update={"input": SIGNATURE.input.model_copy(update=changes)})
    manifest = fetched(release(1, 100)).manifest.model_copy(update={"model": model})
    with pytest.raises(UnservableModelError, match=message):
        configuration_of(asked, manifest)


@pytest.mark.parametrize(
    ("variant", "chosen", "precision", "problem"),
    [
        ("", "float32", "fp16", None),
        ("", None, "fp32", None),
        ("int8_static", "float32", "int8", None),
        ("", "int8_static", "int8", None),
        (
            "",
            "float32",
            "int8",
            r"version 1 \(run 0123456789ab\) is the variant float32, and precision int8 needs int8_",
        ),
        ("int8_dynamic", "float32", "int8", "is the variant int8_dynamic, and precision int8 needs int8_static"),
        (
            "",
            "int8_static",
            "fp16",
            "is the variant int8_static, which is quantised: .* needs precision int8, not fp16",
        ),
    ],
)
def test_int8_is_for_models_that_tell_their_ranges(
    variant: str, chosen: str | None, precision: str, problem: str | None
) -> None:
    asked = release(1, 100).model_copy(update={"variant": variant})
    there = fetched(asked).manifest.model_copy(
        update={
            "chosen_variant": chosen,
            "variants": tuple(
                Variant(name=name, bytes=1, accuracy=1, latency_ms=1) for name in ("float32", "int8_static")
            ),
        }
    )
    if problem is None:
        require_precision(asked, there, precision)
    else:
        with pytest.raises(UnservableModelError, match=problem):
            require_precision(asked, there, precision)
        served = specification(asked, device="gpu", accelerator="tensorrt", precision=precision)
        with pytest.raises(UnservableModelError, match=problem):
            repository_folders(served, [FetchedRelease(asked, there, "/m")])


def test_without_tensorrt_the_service_says_so_before_there_is_a_server(
    object_cloud: Any, triton_environment: Path, tmp_path: Path
) -> None:
    uri = publish(f"s3://{object_cloud.models_bucket}/accelerator/{os.getpid()}", object_cloud.key_uri)
    document = service_document(
        uri, object_cloud.key_uri, tmp_path / "work", device="gpu", accelerator="tensorrt", precision="fp16"
    )
    environment = service_environment(object_cloud.environment, triton_environment)
    code, output = run_to_its_end(document, tmp_path, environment)
    assert code == ExitStatus.NO_TRITON, output
    (error,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert f"in {triton_environment} has no TensorrtExecutionProvider; it has" in error
    assert error.startswith("error: accelerator is tensorrt, but onnxruntime ")
    assert "Traceback" not in output
    assert not (tmp_path / "work").exists()


def test_the_model_says_so_to_the_real_server_which_does_not_become_ready(
    triton_environment: Path, tmp_path: Path
) -> None:
    triton = find_triton({"TRAINYARD_TRITON_VENV": str(triton_environment)})
    asked = specification(release(1, 100), device="gpu", accelerator="tensorrt", work_dir=str(tmp_path / "work"))
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_model())
    (folder,) = repository_folders(asked, [replace(fetched(release(1, 100)), model_path=str(path))]).values()
    # Triton itself refuses instances for GPUs where there is none, before it asks the model.
    folder = replace(folder, configuration=folder.configuration.replace("KIND_GPU", "KIND_CPU"))
    plain = asked.model_copy(update={"accelerator": "none", "device": "cpu"})
    with bare_server(triton, plain, {"digits": folder}, ready=False) as server:
        assert server.process.wait(60) == 1
        log = server.log.read_text()
    assert "the service asks for TensorrtExecutionProvider, and this onnxruntime has only" in log
    assert "failed to load 'digits' version 1" in log
    assert not server.is_ready()
