"""Where TensorRT's engines are kept: in memory, one folder for each model, whole or not at all."""

import json
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.workloads.serving.service_process import tiny_model
from trainyard_serving.accelerators import prepare_engine_directory
from trainyard_serving.memory_files import NotInMemoryError
from trainyard_serving.triton import SHARED_MEMORY
from trainyard_serving.triton_model import engine_cache, execution_providers
from trainyard_serving.triton_model.engine_cache import EngineCache
from trainyard_serving.triton_model.execution_providers import CPU, CUDA, TENSORRT

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether a folder is in memory")


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder in memory."""
    made = Path(tempfile.mkdtemp(dir=SHARED_MEMORY, prefix="trainyard-test-"))
    yield made
    shutil.rmtree(made)


@on_linux
def test_engines_are_never_on_a_disk(in_memory: Path, tmp_path: Path) -> None:
    prepare_engine_directory(in_memory / "engines")
    assert stat.S_IMODE((in_memory / "engines").stat().st_mode) == 0o700
    kept, unfinished = in_memory / "engines" / "kept", in_memory / "engines" / "building-x"
    for folder in (kept, unfinished):
        folder.mkdir()
        (folder / "an.engine").touch()
    prepare_engine_directory(in_memory / "engines")
    assert kept.exists()
    assert not unfinished.exists()
    on_disk = Path(tempfile.mkdtemp(dir=tmp_path))
    with pytest.raises(NotInMemoryError, match="engines hold the model's weights in clear text"):
        prepare_engine_directory(on_disk / "engines")
    assert list(on_disk.iterdir()) == []


def test_models_that_differ_in_their_weights_only_never_share_an_engine(tmp_path: Path) -> None:
    def build(model: bytes, **building: str) -> EngineCache:
        cache = EngineCache.at(tmp_path, model, {"precision_mode": "FP32", **building})
        assert cache is not None
        return cache

    first, second, other_precision = (
        build(tiny_model()),
        build(tiny_model(2)),
        build(tiny_model(), precision_mode="FP16"),
    )
    for number, cache in enumerate((first, second, other_precision)):
        (cache.folder / "graph.engine").write_text(str(number))
        cache.keep()
    found = [build(tiny_model()), build(tiny_model(2)), build(tiny_model(), precision_mode="FP16")]
    assert [(each.folder / "graph.engine").read_text() for each in found] == ["0", "1", "2"]
    assert {stat.S_IMODE(each.folder.stat().st_mode) for each in found} == {0o700}
    found[0].keep()
    assert len(list(tmp_path.iterdir())) == 3


def test_an_engine_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (EngineCache.at(tmp_path, b"model", {}) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.folder != second.folder
    for cache, text in ((first, "1"), (second, "2")):
        (cache.folder / "graph.engine").write_text(text)
    first.keep()
    second.keep()
    (kept,) = tmp_path.iterdir()
    assert (kept / "graph.engine").read_text() == "1"
    # What is kept is used though there is no room for more.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**25))
    assert EngineCache.at(tmp_path, b"model", {}) is not None
    assert EngineCache.at(tmp_path, b"another", {}) is None
    monkeypatch.undo()
    # A model that could not be loaded leaves nothing, and takes nothing away.
    for model in (b"model", b"another"):
        cache = EngineCache.at(tmp_path, model, {})
        assert cache is not None
        cache.discard()
    assert list(tmp_path.iterdir()) == [kept]


class StandInSession:
    """In place of a session on a GPU: builds an engine where it is told to, and runs nothing."""

    fails = False
    built: list[Path]

    def __init__(self, model: bytes, _options: Any, providers: list[tuple[str, dict[str, Any]]]) -> None:
        self._providers = [name for name, _ in providers]
        folder = Path(dict(providers)[TENSORRT]["trt_engine_cache_path"])
        # ONNX Runtime's name for it, the same for all models of one architecture.
        engine = folder / "graph_sm90.engine"
        if not engine.exists():
            engine.write_bytes(model)
        type(self).built.append(folder)
        assert engine.read_bytes() == model

    def get_providers(self) -> list[str]:
        return [CPU] if self.fails else self._providers

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="image")]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="logits")]

    def run(self, _names: list[str], inputs: dict[str, Any]) -> list[Any]:
        return [np.zeros((len(inputs["image"]), 10), np.float32)]


@pytest.fixture
def model_code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model code as the backend imports it, with stand-ins for what is not here: the backend, and a GPU."""
    backend = ModuleType("triton_python_backend_utils")
    backend.triton_string_to_numpy = lambda _: np.float32  # type: ignore[attr-defined]
    for name, module in {
        "triton_python_backend_utils": backend,
        "engine_cache": engine_cache,
        "execution_providers": execution_providers,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    from trainyard_serving.triton_model import onnx_model

    monkeypatch.setattr(onnx_model.onnxruntime, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(onnx_model.onnxruntime, "InferenceSession", StandInSession)
    monkeypatch.setattr(StandInSession, "built", [], raising=False)
    yield onnx_model
    sys.modules.pop("trainyard_serving.triton_model.onnx_model", None)


def test_releases_of_one_architecture_get_their_own_engines_again(
    model_code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = tmp_path / "engines"
    engines.mkdir()
    parameters = {"precision_mode": "FP16", "trt_engine_cache_enable": "1", "trt_engine_cache_path": str(engines)}
    accelerators = {"gpu_execution_accelerator": [{"name": "tensorrt", "parameters": parameters}]}
    configuration = {
        "input": [{"name": "image", "dims": ["1", "8", "8"], "data_type": "TYPE_FP32"}],
        "output": [{"name": "logits"}],
        "max_batch_size": 64,
        "optimization": {"execution_accelerators": accelerators},
    }
    asked = {
        "model_config": json.dumps(configuration),
        "model_instance_kind": "GPU",
        "model_instance_device_id": "0",
        "model_name": "digits",
    }
    paths = []
    for version in (1, 2):
        paths.append(tmp_path / f"{version}.onnx")
        paths[-1].write_bytes(tiny_model(version))

    for path in paths:
        model_code.OnnxModel(path, asked)
    kept = sorted(engines.iterdir())
    assert len(kept) == 2
    assert not [each for each in kept if each in StandInSession.built]
    # The next start, and the split, find them.
    StandInSession.built.clear()
    for path in paths:
        model_code.OnnxModel(path, asked)
    assert sorted(StandInSession.built) == kept

    # One that is not run as it was asked for leaves no engine behind.
    monkeypatch.setattr(StandInSession, "fails", True)
    another = tmp_path / "3.onnx"
    another.write_bytes(tiny_model(3))
    with pytest.raises(RuntimeError, match="TensorrtExecutionProvider and CUDAExecutionProvider could not be used"):
        model_code.OnnxModel(another, asked)
    assert sorted(engines.iterdir()) == kept
