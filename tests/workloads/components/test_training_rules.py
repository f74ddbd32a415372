"""The stack's settings of a training are checked by the training package's own rules, which infra cannot import."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from infra import training_settings
from infra.setting_types import Group
from infra.training_settings import (
    MODELS_OF,
    OPTIONS_OF,
    OptimizationSettings,
    PrivacySettings,
    ReportingSettings,
    TaskSettings,
    VariantSettings,
)
from infra.workload_settings import TrainingSettings
from tests.workloads.training.test_specification import VALID
from trainyard_artifacts.specification import Specification, SpecificationError
from trainyard_training import dataset_specification, specification
from trainyard_training.choices import ModelChoice, Optimization, Privacy, Reporting, Variants
from trainyard_training.dataset_specification import Cifar10Source
from trainyard_training.specification import TrainingSpecification

_number = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 1025])
_GROUPS: list[tuple[type[Group], type[Specification], dict[str, st.SearchStrategy[Any]]]] = [
    (
        OptimizationSettings,
        Optimization,
        {
            "optimizer": st.sampled_from(["adamw", "sgd", "lion"]),
            "weight_decay": _number,
            "momentum": _number,
            "schedule": st.sampled_from(["one_cycle", "constant", "cosine"]),
            "warm_up_share": _number,
            "label_smoothing": _number,
            "accumulate_steps": _number,
            "clip_norm": _number.filter(bool),
        },
    ),
    (
        VariantSettings,
        Variants,
        {
            "names": st.lists(st.sampled_from(["float32", "float16", "int8_static", "int4"]), max_size=2),
            "choose": st.sampled_from(["float32", "smallest", "fastest", "best"]),
            "accuracy_loss": _number,
            "pruned_share": _number,
        },
    ),
    (ReportingSettings, Reporting, {"every_steps": st.sampled_from([-1, 0, 1, 1_000_000, 1_000_001, 1.5])}),
    (PrivacySettings, Privacy, {"target_epsilon": st.sampled_from([-1, 8]), "delta": _number, "clip_norm": _number}),
]


@pytest.mark.parametrize(("group", "understood", "fields"), _GROUPS)
@given(st.data())
def test_a_group_is_refused_by_both_or_by_none(
    group: type[Group], understood: type[Specification], fields: dict[str, Any], data: st.DataObject
) -> None:
    needed = fields if group is PrivacySettings else {}
    told = data.draw(st.fixed_dictionaries(needed, optional={} if needed else fields))
    assert accepts(group, told) == accepts(understood, told)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "strategy": st.sampled_from([{"kind": "data_parallel"}, {"kind": "fully_sharded"}]),
            "optimization": st.sampled_from([{"accumulate_steps": 2}, {"clip_norm": 1}, {"optimizer": "sgd"}]),
            "computation": st.sampled_from([{"precision": "bfloat16"}, {"compile": True}, {"channels_last": True}]),
            "variants": st.sampled_from(["float16", "int8_dynamic", "int8_static", "pruned_unstructured"]).map(
                lambda name: {"names": ["float32", name]}
            ),
        },
    )
)
def test_what_cannot_go_together_with_privacy_is_refused_by_both(groups: dict[str, Any]) -> None:
    privacy = {"target_epsilon": 8, "delta": 1e-5}
    told = {**VALID, **groups, "privacy": privacy}
    assert accepts(TrainingSettings, {**groups, "privacy": privacy}) == accepts(TrainingSpecification, told)
    assert accepts(TrainingSettings, groups)


def accepts(kind: type[BaseModel], told: dict[str, Any]) -> bool:
    """Whether it takes what JSON says."""
    try:
        if issubclass(kind, Group):
            kind.model_validate(told)
        else:
            kind.model_validate_json(json.dumps(told))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "archive_uri",
    [
        "s3://bucket/cifar10/cifar-10-binary.tar.gz",
        "s3://bucket/cifar10/cifar-10-batches-bin",
        "file:///data/cifar-10-batches-bin",
        "s3://bucket",
        "file:///cifar-10-batches-bin",
        "s3://bucket/cifar10/",
    ],
)
@pytest.mark.parametrize("sha256", ["", "c" * 64, "c4"])
def test_an_archive_is_refused_by_both_or_by_none(archive_uri: str, sha256: str) -> None:
    archive = {"archive_uri": archive_uri, **({"archive_sha256": sha256} if sha256 else {})}
    task = {"source": "cifar10", "model": "lenet", **archive}
    assert accepts(TaskSettings, task) == accepts(Cifar10Source, archive)


def test_the_models_of_a_source_are_those_that_take_its_examples() -> None:
    # Imported here: it takes seconds, and the other tests do without.
    from trainyard_training.models import DataShape, build_model

    def options_of(model: str, shape: DataShape) -> tuple[str, ...]:
        with pytest.raises(SpecificationError) as refusal:
            build_model(ModelChoice(name=model, options={"none": 0}), shape, seed=0)
        taken = str(refusal.value).partition("it takes ")[2].split(", ")
        return () if taken == ["none"] else tuple(taken)

    def takes(model: str, shape: DataShape) -> bool:
        try:
            build_model(ModelChoice(name=model), shape, seed=0)
        except SpecificationError:
            return False
        return True

    shapes = {
        "digits": DataShape((1, 8, 8), 16, 10),
        "cifar10": DataShape((3, 32, 32), 255, 10),
        "binary": DataShape((1000,), None, 2),
    }
    names = ("digits", "lenet", "resnet", "binary")
    found = {source: tuple(name for name in names if takes(name, shape)) for source, shape in shapes.items()}
    assert found == MODELS_OF
    assert {name: options_of(name, shapes["digits"]) for name in names} == OPTIONS_OF


def test_names_are_the_packages() -> None:
    assert training_settings.PRIVATE_VARIANTS == specification.PRIVATE_VARIANTS
    assert training_settings.UNPACKED_ARCHIVE == dataset_specification.CIFAR10_FOLDER
