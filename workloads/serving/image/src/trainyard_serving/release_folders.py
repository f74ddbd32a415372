"""The model's folder in Triton's repository: a version for each release, and the split where one is needed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainyard_artifacts.manifest import Manifest, ModelSignature, TensorSignature
from trainyard_serving.accelerators import require_precision, tensorrt_optimization
from trainyard_serving.model_repository import (
    LABELS_FILE,
    MODEL_FILE,
    ModelFolder,
    UnservableModelError,
    labels_text,
    model_code,
    model_configuration,
)
from trainyard_serving.release import SPLIT_VERSION, Release, split_of
from trainyard_serving.specification import ServiceSpecification

_SHARED_CODE = ("onnx_model.py", "execution_providers.py", "engine_cache.py", "server_guard.py")


@dataclass(frozen=True)
class FetchedRelease:
    """A release whose model is known to be servable."""

    release: Release
    manifest: Manifest
    """Of the run, verified."""
    model_path: str
    """Where the server's processes find the ONNX file, verified and decrypted."""


def configuration_of(specification: ServiceSpecification, manifest: Manifest) -> str:
    """The text of ``config.pbtxt``.

    Raises:
        UnservableModelError: as ``model_configuration`` and ``tensorrt_optimization``.
    """
    optimization = None
    if specification.accelerator == "tensorrt":
        optimization = tensorrt_optimization(
            manifest.model.input,
            max_batch_size=specification.max_batch_size,
            precision=specification.precision,
            workspace_mib=specification.accelerator_workspace_mib,
            engine_dir=specification.engine_dir,
        )
    return model_configuration(
        manifest.model,
        name=specification.model_name,
        max_batch_size=specification.max_batch_size,
        queue_delay_microseconds=specification.queue_delay_microseconds,
        max_queue_size=specification.max_queue_size,
        queue_timeout_microseconds=specification.queue_timeout_microseconds,
        device=specification.device,
        instances=specification.instances,
        cached=specification.response_cache_bytes > 0,
        executions_at_once=specification.executions_at_once,
        optimization=optimization,
    )


def repository_folders(
    specification: ServiceSpecification, fetched: Sequence[FetchedRelease], configuration: str | None = None
) -> Mapping[str, ModelFolder]:
    """What the repository holds, by the names of its models, in the order in which they are to be loaded.

    Args:
        specification: the service.
        fetched: all its releases.
        configuration: the text of ``config.pbtxt`` where it is known already.

    Raises:
        UnservableModelError: a model cannot be served, or not beside the others, or not with the accelerator.
    """
    if specification.accelerator == "tensorrt":
        for each in fetched:
            require_precision(each.release, each.manifest, specification.precision)
    require_same_signature([(each.release, each.manifest) for each in fetched])
    first = fetched[0].manifest
    configuration = configuration or configuration_of(specification, first)
    files = {LABELS_FILE: labels_text(first.model.labels)}
    links = {}
    for each in fetched:
        version = each.release.version
        files |= _code(version, "model.py")
        links[f"{version}/{MODEL_FILE}"] = each.model_path
    if split := split_of([each.release for each in fetched]):
        paths = {each.release.version: each.model_path for each in fetched}
        files |= _code(SPLIT_VERSION, "split_model.py")
        files[f"{SPLIT_VERSION}/split.json"] = json.dumps(
            [release.model_dump(include={"version", "run", "variant", "percent"}) for release in split], indent=2
        )
        links |= {f"{SPLIT_VERSION}/{release.version}.onnx": paths[release.version] for release in split}
    return {specification.model_name: ModelFolder(configuration, files, links)}


def require_same_signature(releases: Sequence[tuple[Release, Manifest]]) -> None:
    """Raise UnservableModelError where releases differ in what they take or answer: clients see one model."""
    (first, due), *others = releases
    problems = [
        f"{release.title} {difference}"
        for release, manifest in others
        for difference in _differences(manifest.model, due.model)
    ]
    if problems:
        raise UnservableModelError(
            f"releases of one service have to take and answer the same, and beside {first.title} {'; '.join(problems)}"
        )


def _code(version: int, model: str) -> dict[str, str]:
    shared = {f"{version}/{name}": model_code(name) for name in _SHARED_CODE}
    return {f"{version}/model.py": model_code(model), **shared}


def _differences(found: ModelSignature, due: ModelSignature) -> list[str]:
    problems = [
        f"{verb} {_described(tensor)}, not {_described(other)}"
        for verb, tensor, other in (("takes", found.input, due.input), ("answers", found.output, due.output))
        if tensor != other
    ]
    if found.labels != due.labels:
        problems.append("has other labels")
    return problems


def _described(tensor: TensorSignature) -> str:
    return f"{tensor.name!r} {tensor.dtype} {[-1 if size is None else size for size in tensor.shape]}"
