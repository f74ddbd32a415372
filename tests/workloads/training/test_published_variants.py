"""Which variants a job publishes: from the stack's setting to the job's file, and what cannot be asked for."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.training_settings import VariantSettings
from infra.workload_settings import TrainingSettings
from trainyard_training.choices import Variants
from workloads.training.component import job_specification

PLACES = {
    "datasets_uri": "s3://datasets",
    "checkpoints_uri": "s3://checkpoints",
    "models_uri": "s3://models",
    "encryption_key_uri": "aws-kms://arn:aws:kms:us-east-1:123456789012:key/1",
    "version": "1",
}


def document(**variants: Any) -> dict[str, Any]:
    """The job's file of a stack with these settings and no others."""
    settings = TrainingSettings.model_validate({"variants": variants})
    return job_specification(settings, **PLACES)


def test_the_setting_reaches_the_job() -> None:
    asked = {"names": ["float32", "float16"], "publish": ["float16"]}
    told = Variants.model_validate(document(**asked)["variants"])
    assert (told.names, told.publish) == (("float32", "float16"), ("float16",))
    assert "variants" not in document(publish=[])


def test_another_list_is_another_run_since_what_is_published_is_not_changed() -> None:
    asked = {"names": ["float32", "float16"]}
    assert document(**asked)["run"] != document(**asked, publish=["float16"])["run"]


@pytest.mark.parametrize("publish", [["float16"], ["float32", "int8_static"], ["int4"]])
def test_only_what_is_made_can_be_published(publish: list[str]) -> None:
    asked = {"names": ["float32", "int8_dynamic"], "publish": publish}
    with pytest.raises(ValidationError, match="publish"):
        Variants.model_validate(asked)
    with pytest.raises(ValidationError, match=r"must be of what names has: float32, int8_dynamic|Input should be"):
        VariantSettings.model_validate(asked)
