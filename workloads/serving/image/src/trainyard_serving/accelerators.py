"""TensorRT in Triton's vocabulary: what a model's configuration says of it, and what has to be there for it.

The names are those of Triton's own backend for ONNX, https://github.com/triton-inference-server/onnxruntime_backend,
"ONNX Runtime with TensorRT optimization"; the model code reads them from the configuration that the backend gives it
(``triton_model/execution_providers.py``). No GPU has run this: docs/accelerators.md says what was tried.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from trainyard_artifacts.manifest import Manifest, TensorSignature
from trainyard_serving.model_repository import UnservableModelError, Value
from trainyard_serving.release import Release
from trainyard_serving.triton import Triton, TritonUnavailableError
from trainyard_serving.triton_model.engine_cache import UNFINISHED

STATIC_VARIANT = "int8_static"
"""The variant that training quantises ahead of time: its file tells the range of each tensor, by Q/DQ nodes."""

_PROVIDER = "TensorrtExecutionProvider"
_QUESTION_TIMEOUT_SECONDS = 60
_QUESTION = (
    "import json, onnxruntime; print(json.dumps([onnxruntime.__version__, onnxruntime.get_available_providers()]))"
)


def tensorrt_optimization(
    tensor: TensorSignature, *, max_batch_size: int, precision: str, workspace_mib: int, engine_dir: str | None
) -> Mapping[str, Value]:
    """The ``optimization`` of a configuration: TensorRT on GPUs, for every batch from one to the largest.

    The range is told ahead, so that the engine is built once, before the server says that it is ready; else a request
    of another size would wait for a new one, for seconds to minutes. What is tuned for is the full batch.

    Args:
        tensor: the model's input.
        max_batch_size: of one request and of requests batched together.
        precision: ``fp32``, ``fp16`` or ``int8``.
        workspace_mib: GPU memory that a layer may take for its work, in MiB.
        engine_dir: a directory in memory for the engines; None where they are not kept.

    Raises:
        UnservableModelError: another size than the batch is open, or the input's name cannot be told.
    """
    if None in tensor.shape[1:]:
        raise UnservableModelError(
            f"tensor {tensor.name!r} has shape {list(tensor.shape)}; with accelerator tensorrt only the first size, the"
            " batch, may be open: an engine is built for sizes that are known"
        )
    if any(character in tensor.name for character in ":,"):
        raise UnservableModelError(
            f"tensor {tensor.name!r} has a colon or a comma in its name, and with accelerator tensorrt its shapes are"
            " written as NAME:SIZExSIZE,..."
        )
    sizes = "x".join(str(size) for size in tensor.shape[1:])
    parameters = {
        "precision_mode": precision.upper(),
        "max_workspace_size_bytes": str(workspace_mib * 2**20),
        "trt_profile_min_shapes": f"{tensor.name}:1x{sizes}",
        "trt_profile_opt_shapes": f"{tensor.name}:{max_batch_size}x{sizes}",
        "trt_profile_max_shapes": f"{tensor.name}:{max_batch_size}x{sizes}",
    }
    if engine_dir is not None:
        parameters |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": engine_dir}
    accelerator: Mapping[str, Value] = {
        "name": "tensorrt",
        "parameters": tuple({"key": key, "value": value} for key, value in parameters.items()),
    }
    return {"execution_accelerators": {"gpu_execution_accelerator": (accelerator,)}}


def require_precision(release: Release, manifest: Manifest, precision: str) -> None:
    """Raise UnservableModelError where TensorRT cannot compute a release's model in this precision.

    int8 needs the range of every tensor. A statically quantised model tells it. The other way, a calibration table, was
    deprecated with TensorRT 10.1 and is gone from 11, so it is not offered. A quantised model needs int8 in turn.
    """
    found = release.variant or manifest.chosen_variant or "float32"
    if precision == "int8" and found != STATIC_VARIANT:
        raise UnservableModelError(
            f"{release.title} is the variant {found}, and precision int8 needs {STATIC_VARIANT}: only that tells the"
            " ranges of its tensors"
        )
    if precision != "int8" and found == STATIC_VARIANT:
        raise UnservableModelError(
            f"{release.title} is the variant {found}, which is quantised: with accelerator tensorrt it needs precision"
            f" int8, not {precision}"
        )


def require_tensorrt(triton: Triton) -> None:
    """Refuse an environment whose ONNX Runtime was built without TensorRT. Takes about a second.

    Whether TensorRT's own libraries are there as well shows when the model is loaded.

    Raises:
        TritonUnavailableError: it was, or it cannot be asked.
    """
    python = triton.environment / "bin" / "python3"
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _QUESTION], capture_output=True, check=True, timeout=_QUESTION_TIMEOUT_SECONDS
        )
        version, providers = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise TritonUnavailableError(f"{python} cannot tell of its onnxruntime: {error}") from None
    if _PROVIDER not in providers:
        raise TritonUnavailableError(
            f"accelerator is tensorrt, but onnxruntime {version} in {triton.environment} has no {_PROVIDER}; it has"
            f" {', '.join(providers)}"
        )


def prepare_engine_directory(directory: Path) -> None:
    """Make the directory for the engines, its owner's only: an engine holds the model's weights in clear text.

    What an earlier server was building there when it was killed is removed.

    Raises:
        NotInMemoryError: it is not on a file system in memory.
        OSError: it cannot be made, or what is in it cannot be removed.
    """
    # It brings the libraries that models are fetched with, which the server's parent is to do without.
    from trainyard_serving.memory_files import NotInMemoryError, require_memory

    try:
        require_memory(directory)
    except NotInMemoryError:
        raise NotInMemoryError(
            f"engine_dir {directory} is not in memory: TensorRT's engines hold the model's weights in clear text, and"
            " are to be on a tmpfs, such as a folder in /dev/shm"
        ) from None
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path)
