"""The settings of the service in a cluster: what is refused before anything is made, and in which words."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kubernetes.addon_settings import AddonSettings
from infra.kubernetes.service.addon_needs import addon_problems
from infra.settings import SettingsError, parse_settings
from infra.workload_settings import ServingSettings

OUTSIDE = {"host": "digits.example.com", "certificate_secret": "digits-tls"}


def problems_of(serving: dict[str, Any], environment: str = "dev") -> list[str]:
    """What is wrong with settings, without the setting's own prefix."""
    with pytest.raises(SettingsError) as raised:
        parse_settings({"trainyard:serving": json.dumps(serving), "trainyard:environment": environment})
    return [line.strip().removeprefix("trainyard:serving.") for line in str(raised.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("serving", "expected"),
    [
        ({"scaling": {"min_pods": 5}}, ["scaling.max_pods: must be at least min_pods (5)"]),
        ({"scaling": {"min_pods": 5, "max_pods": 4}}, ["scaling.max_pods = 4: must be at least min_pods (5)"]),
        (
            {"queue_delay_microseconds": 2000, "queue_timeout_microseconds": 2000},
            [
                "queue_timeout_microseconds = 2000: must be 0 or more than queue_delay_microseconds (2000), or a lone "
                "request is refused"
            ],
        ),
        ({"max_queue_size": -1}, ["max_queue_size = -1: must be a whole number from 0 to 1000000"]),
        (
            {"scaling": {"metric": "gpu"}},
            ['scaling.metric = "gpu": must be queue or cpu where the pods have no GPU'],
        ),
        (
            {"scaling": {"to_zero": True}},
            [
                "exposure.kind: must be gateway where scaling.to_zero is true and scaling.demand_query is empty: "
                "without a pod nobody else sees a request"
            ],
        ),
        (
            {"pods": {"mig_profile": "2g.10gb", "gpu_memory_gib": 12, "memory_gib": 1, "model_gib": 1}},
            [
                "pods.gpu_memory_gib = 12: must be 10 or less: the slice 2g.10gb has no more",
                "pods.model_gib = 1: must be less than memory_gib (1), which it is a part of",
            ],
        ),
        (
            {"exposure": {"kind": "gateway"}},
            [
                "exposure.certificate_secret: must be set where kind is gateway: nothing is reached from outside "
                "without a name and TLS",
                "exposure.host: must be set where kind is gateway: nothing is reached from outside without a name and "
                "TLS",
            ],
        ),
        (
            {"exposure": {"kind": "ingress", **OUTSIDE}},
            [
                "exposure.proxy_namespace: must be set where kind is ingress: only pods of that namespace get through "
                "to the service"
            ],
        ),
        (
            {"exposure": {"kind": "gateway", **OUTSIDE, "grpc_host": OUTSIDE["host"]}},
            [
                'exposure.grpc_host = "digits.example.com": must be another name than host: a gateway takes one kind '
                "of route for each name"
            ],
        ),
        (
            {"exposure": {"kind": "gateway", **OUTSIDE}, "authentication": {"mechanism": "none"}},
            ['authentication.mechanism = "none": must be jwt where exposure.kind is gateway'],
        ),
        (
            {
                "exposure": {"kind": "gateway", **OUTSIDE},
                "authentication": {"mechanism": "mtls", "client_ca_secret": "ca", "certificate_secret": "tls"},
            },
            [
                'authentication.mechanism = "mtls": must be jwt where exposure.kind is gateway: a gateway ends the '
                "clients' TLS"
            ],
        ),
        (
            {
                "exposure": {"kind": "ingress", **OUTSIDE, "proxy_namespace": "ingress"},
                "authentication": {"certificate_secret": "tls"},
            },
            [
                'authentication.certificate_secret = "tls": must be empty where exposure.kind is ingress: it speaks '
                "HTTP to the pods"
            ],
        ),
        (
            {"authentication": {"mechanism": "mtls"}},
            [
                "authentication.certificate_secret: must be set where mechanism is mtls",
                "authentication.client_ca_secret: must be set where mechanism is mtls",
            ],
        ),
        (
            {"authentication": {"client_ca_secret": "ca", "issuer": "http://idp", "subjects": ["a b"]}},
            [
                'authentication.client_ca_secret = "ca": must be empty where mechanism is jwt: certificates of clients '
                "are not asked for",
                'authentication.issuer = "http://idp": must be a URL such as https://idp.example.com/realms/ml',
                'authentication.subjects[0] = "a b": must be 1 to 500 printable characters without a space',
            ],
        ),
        (
            {
                "exposure": {"host": "Digits", "class_name": "a_b", "proxy_namespace": "a.b"},
                "limits": {"connections": 0},
            },
            [
                'exposure.class_name = "a_b": must be the name of a Kubernetes object: a-z, 0-9, - and .',
                'exposure.host = "Digits": must be a DNS name in small letters, such as digits.example.com',
                'exposure.proxy_namespace = "a.b": must be the name of a namespace: a-z, 0-9 and -, 63 at most',
                "limits.connections = 0: must be a whole number from 1 to 100000",
            ],
        ),
    ],
)
def test_every_problem_is_told_with_its_setting(serving: dict[str, Any], expected: list[str]) -> None:
    assert problems_of(serving) == expected


def test_a_pod_has_room_for_the_cache() -> None:
    serving = {"pods": {"memory_gib": 2, "model_gib": 0.5}, "response_cache_bytes": 3 * 2**29}
    told = f"response_cache_bytes = {3 * 2**29}: must be less than {3 * 2**29}, which pods.memory_gib leaves beside"
    with pytest.raises(SettingsError, match=re.escape(told)):
        parse_settings({"trainyard:serving": json.dumps(serving), "trainyard:cloud": "aws"})
    # On one machine nothing is set aside.
    assert parse_settings({"trainyard:serving": json.dumps(serving)}).serving.response_cache_bytes == 3 * 2**29


@pytest.mark.parametrize("name", ["", "gce", "gce-internal"])
def test_an_ingress_on_google_cloud_is_not_gke_s_own(name: str) -> None:
    exposure = {"kind": "ingress", **OUTSIDE, "proxy_namespace": "ingress", "class_name": name}
    content = {"trainyard:serving": json.dumps({"exposure": exposure})}
    with pytest.raises(SettingsError, match=r"class_name.*: must name the class of a controller whose pods"):
        parse_settings({**content, "trainyard:cloud": "gcp"})
    # Elsewhere the default of the cluster is of somebody whom the operator has chosen.
    assert parse_settings(content).serving.exposure.class_name == name


def test_nobody_unknown_is_served_in_production() -> None:
    assert problems_of({"authentication": {"mechanism": "none"}}, "prod") == [
        'authentication.mechanism = "none": must be jwt or mtls in prod'
    ]
    accepted = parse_settings({"trainyard:serving": '{"authentication": {"mechanism": "none"}}'})
    assert accepted.serving.authentication.mechanism == "none"


@pytest.mark.parametrize(
    ("serving", "addons", "expected"),
    [
        ({}, {}, []),
        ({}, {"monitoring": {"enabled": False}}, [("scaling.metric = queue", "monitoring")]),
        ({"enabled": False}, {"monitoring": {"enabled": False}}, []),
        ({"scaling": {"metric": "cpu"}}, {"monitoring": {"enabled": False}}, []),
        ({"scaling": {"max_pods": 1}}, {"monitoring": {"enabled": False}}, []),
        (
            {"scaling": {"metric": "gpu"}, "pods": {"gpus": 1}},
            {"gpu_metrics": {"enabled": False}},
            [("scaling.metric = gpu", "gpu_metrics")],
        ),
        (
            {"scaling": {"to_zero": True, "metric": "cpu"}, "exposure": {"kind": "gateway", **OUTSIDE}},
            {"monitoring": {"enabled": False}},
            [
                ("scaling.metric = cpu", "monitoring"),
                ("scaling.to_zero = true", "scale_to_zero"),
                ("exposure.kind = gateway", "gateway"),
            ],
        ),
        (
            {"exposure": {"kind": "gateway", **OUTSIDE, "class_name": "ours", "proxy_namespace": "gateways"}},
            {},
            [],
        ),
    ],
)
def test_an_add_on_that_is_counted_on_has_to_be_there(
    serving: dict[str, Any], addons: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = addon_problems(ServingSettings.model_validate(serving), AddonSettings.model_validate(addons))
    assert [each.split("; ")[0] for each in found] == [
        f"trainyard:serving.{setting}: needs the add-on {addon}" for setting, addon in expected
    ]


@given(st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9-]{0,9}[a-z0-9]){1,3}", fullmatch=True))
def test_a_host_name_is_taken_as_it_is(host: str) -> None:
    exposure = {"kind": "gateway", **OUTSIDE, "host": host}
    try:
        settings = parse_settings({"trainyard:serving": json.dumps({"exposure": exposure})})
    except SettingsError:
        assert any(label.startswith("-") or label.endswith("-") for label in host.split("."))
    else:
        assert settings.serving.exposure.host_of_grpc == f"grpc.{host}"
