"""The APIs: those that a stack uses and no others, each with its reason, and none is switched off again."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from infra.gcp.services import CLUSTER_APIS, DATA_APIS, Services, ServicesArguments, apis_of
from infra.gcp.settings import GcpSettings
from tests.infra.gcp.answers import PROJECT
from tests.infra.gcp.parts import Made, made

SERVICE = "gcp:projects/service:Service"


def settings(**groups: Mapping[str, Any]) -> GcpSettings:
    return GcpSettings.model_validate(groups)


@pytest.fixture(scope="module")
def services() -> Made:
    arguments = ServicesArguments(project_id=PROJECT, apis=apis_of(settings()))
    return made(lambda opts: Services("services", arguments, opts))


def test_every_api_is_named_in_full_with_its_reason() -> None:
    every = {**DATA_APIS, **CLUSTER_APIS}
    assert len(every) == len(DATA_APIS) + len(CLUSTER_APIS)
    for api, reason in every.items():
        assert re.fullmatch(r"[a-z]+\.googleapis\.com", api)
        assert reason


def test_each_is_switched_on_once_and_stays_on(services: Made) -> None:
    registered = services.resources.all(SERVICE)
    assert [each.inputs["service"] for each in registered] == list(apis_of(settings()))
    for each in registered:
        assert each.inputs["project"] == PROJECT
        assert each.inputs["disableOnDestroy"] is False
        assert each.inputs["disableDependentServices"] is False


def test_names_of_resources_do_not_depend_on_the_others(services: Made) -> None:
    assert services.resources.one(SERVICE, "services-compute").inputs["service"] == "compute.googleapis.com"


def test_buckets_alone_need_three() -> None:
    assert apis_of(settings(), data_alone=True) == (
        "cloudkms.googleapis.com",
        "iam.googleapis.com",
        "storage.googleapis.com",
    )


BUDGET = {"monthly_usd": 100, "alert_emails": ["ada@example.com"], "billing_account": "012345-6789AB-CDEF01"}


@pytest.mark.parametrize(
    ("api", "groups"),
    [
        ("billingbudgets", {"budget": BUDGET}),
        ("binaryauthorization", {"cluster": {"binary_authorization": True}}),
        ("containerfilesystem", {"gpu_pools": {"training": {"machine_type": "g2-standard-4"}}}),
        ("dns", {"network": {"nat": "none"}, "registry": {"pull_through": True}}),
        ("dns", {"network": {"private_service_connect": True}}),
        ("iap", {"machine": {"machine_type": "g2-standard-4"}}),
        ("servicedirectory", {"network": {"private_service_connect": True}}),
    ],
)
def test_what_only_a_setting_needs_is_on_only_with_it(api: str, groups: dict[str, Any]) -> None:
    assert f"{api}.googleapis.com" not in apis_of(settings())
    assert f"{api}.googleapis.com" in apis_of(settings(**groups))


def test_images_are_scanned_unless_a_setting_says_otherwise() -> None:
    assert "containerscanning.googleapis.com" in apis_of(settings())
    assert "containerscanning.googleapis.com" not in apis_of(settings(registry={"scanning": False}))


def test_schedules_are_for_stacks_that_expire() -> None:
    assert "cloudscheduler.googleapis.com" not in apis_of(settings())
    assert "cloudscheduler.googleapis.com" in apis_of(settings(), expires=True)
