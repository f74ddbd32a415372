"""The front as clients meet it: who gets in, what passes, and what is told of it. With the real Envoy."""

import json
from concurrent import futures
from typing import Any

import grpc
import pytest

from infra.kubernetes.service.front_routes import FRONT_PATH
from tests.infra.kubernetes.service.authorities import SUBJECT, Issuer, signing_key
from tests.infra.kubernetes.service.conftest import REQUEST_MIB
from tests.infra.kubernetes.service.front_process import INFER, RunningFront, Upstream, wait_for

pytestmark = pytest.mark.xdist_group("service-front")

LARGEST = int(REQUEST_MIB * 2**20)


def test_a_caller_with_a_token_of_the_namespace_is_answered(
    front: RunningFront, issuer: Issuer, upstream: Upstream
) -> None:
    for path in ("/v2", "/v2/health/ready", "/v2/models/digits", "/v2/models/digits/versions/1/ready"):
        assert front.ask(path, issuer.token()).status == 200
        assert upstream.paths[-1] == path
    assert front.ask(INFER, issuer.token(), body=b"{}").status == 200
    assert front.infer_by_grpc(b"an image", issuer.token()) == b"an image"


def test_the_token_goes_no_further_than_the_front(front: RunningFront, issuer: Issuer, upstream: Upstream) -> None:
    front.ask(INFER, issuer.token(), body=b"{}")
    front.infer_by_grpc(b"", issuer.token())
    assert len(upstream.headers[-2:]) == 2
    assert not [headers for headers in upstream.headers[-2:] if "authorization" in headers]


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (401, {"exp": 1_700_000_000}),
        (401, {"exp": None}),
        (401, {"nbf": 4_000_000_000}),
        (401, {"iss": "https://elsewhere.example.com"}),
        (401, {"key": "foreign"}),
        (403, {"aud": ["another-service"]}),
        (403, {"aud": None}),
        (403, {"sub": "system:serviceaccount:research-2:caller"}),
        (403, {"sub": "caller"}),
        (403, {"sub": None}),
    ],
)
def test_a_token_that_is_not_good_enough(
    front: RunningFront, issuer: Issuer, upstream: Upstream, status: int, changes: dict[str, Any]
) -> None:
    key = {"key": signing_key()} if changes == {"key": "foreign"} else {}
    before = len(upstream.paths)
    assert front.ask(INFER, issuer.token(**(changes | key)), body=b"{}").status == status
    assert len(upstream.paths) == before


def test_no_token_or_one_in_another_place(front: RunningFront, issuer: Issuer) -> None:
    nobody = front.ask()
    assert (nobody.status, json.loads(nobody.body)) == (401, {"error": "Jwt is missing"})
    assert front.ask(f"/v2?access_token={issuer.token()}").status == 401
    assert front.ask(authorization=f"Basic {issuer.token()}").status == 401
    assert front.ask("/v2/repository/index").status == 401
    with pytest.raises(grpc.RpcError) as refused:
        front.infer_by_grpc(b"", None)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as refused:
        front.infer_by_grpc(b"", issuer.token(sub="somebody"))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/repository/index", b"{}"),
        ("/v2/repository/models/digits/unload", b"{}"),
        ("/v2/systemsharedmemory/region/all/register", b"{}"),
        ("/v2/cudasharedmemory/status", None),
        ("/v2/models/digits/trace/setting", None),
        ("/v2/trace/setting", b"{}"),
        ("/v2/logging", b"{}"),
        ("/v2/models/stats", None),
        ("/v2/models/%73tats", None),
        ("/v2/models/digits/versions/1/stats", None),
        ("/v2/models/digits/config", None),
        ("/v2/models/digits/generate", b"{}"),
        ("/v2/models/digits/infer", None),
        ("/v2/health/ready", b"{}"),
        ("/v2/models/digits/../../logging", None),
        ("//v2//logging", None),
        ("/metrics", None),
        ("/stats/prometheus", None),
        (FRONT_PATH, None),
        ("/", None),
    ],
)
def test_what_else_the_server_could_do_has_no_way_in(
    front: RunningFront, issuer: Issuer, upstream: Upstream, path: str, body: bytes | None
) -> None:
    before = len(upstream.paths)
    answer = front.ask(path, issuer.token(), body=body)
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "Not Found"})
    assert len(upstream.paths) == before


@pytest.mark.parametrize(
    "method",
    [
        "RepositoryIndex",
        "RepositoryModelLoad",
        "SystemSharedMemoryRegister",
        "ModelStatistics",
        "TraceSetting",
        "LogSettings",
        "ModelConfig",
        "ModelStreamInfer",
    ],
)
def test_nor_has_it_by_grpc(front: RunningFront, issuer: Issuer, method: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        front.infer_by_grpc(b"", issuer.token(), f"/inference.GRPCInferenceService/{method}")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_slash_that_hides_in_a_path_is_refused(front: RunningFront, issuer: Issuer) -> None:
    answer = front.ask("/v2/models/digits%2Fconfig", issuer.token())
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "Bad Request"})


def test_a_request_that_is_too_large(front: RunningFront, issuer: Issuer) -> None:
    assert front.ask(INFER, issuer.token(), body=bytes(LARGEST)).status == 200
    refused = front.ask(INFER, issuer.token(), body=bytes(LARGEST + 1))
    assert (refused.status, json.loads(refused.body)) == (413, {"error": "content length too large"})
    with pytest.raises(grpc.RpcError) as raised:
        front.infer_by_grpc(bytes(LARGEST + 1), issuer.token())
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert raised.value.details() == "request too long"


def test_more_than_a_pod_takes_on_is_told_to_ask_again(front: RunningFront, issuer: Issuer, upstream: Upstream) -> None:
    token, asked = issuer.token(), 8
    before = len(upstream.paths)
    with futures.ThreadPoolExecutor(asked) as threads:
        waiting = [threads.submit(front.ask, INFER, token, body=b"{}", hold="yes") for _ in range(asked)]
        # Two are with the server, two wait for it, and the others are refused while nobody has been answered.
        wait_for(lambda: sum(each.done() for each in waiting) == asked - 4, "the others to be refused")
        wait_for(lambda: len(upstream.paths) >= before + 2, "two to be with the server")
        assert len(upstream.paths) == before + 2
        refused = [each.result() for each in waiting if each.done()]
        assert {(answer.status, answer.headers.get("retry-after")) for answer in refused} == {(503, "1")}
        assert {json.loads(answer.body)["error"].rpartition(": ")[2] for answer in refused} == {"overflow"}
        # The kubelet gets an answer all the same.
        assert front.ask(FRONT_PATH, port=front.ports.health).status == 200
        upstream.held.set()
        assert sorted(each.result().status for each in waiting) == [200] * 4 + [503] * 4


def test_a_request_whose_server_ends_with_it_is_told_to_be_sent_again(
    front: RunningFront, issuer: Issuer, upstream: Upstream
) -> None:
    before = len(upstream.paths)
    answer = front.ask(INFER, issuer.token(), body=b"{}", leave="yes")
    assert (answer.status, answer.headers.get("retry-after")) == (503, "1")
    assert json.loads(answer.body)["error"].endswith("reset reason: connection termination")
    assert len(upstream.paths) == before + 1, "it is for the client to say whether it may be run twice"


def test_the_kubelet_and_prometheus_need_no_token_and_get_nothing_else(front: RunningFront, upstream: Upstream) -> None:
    health, metrics = front.ports.health, front.ports.metrics
    for path in ("/v2/health/ready", "/v2/health/live"):
        assert front.ask(path, port=health).status == 200
        assert upstream.paths[-1] == path
    assert front.ask("/metrics", port=metrics).status == 200
    assert upstream.paths[-1] == "/metrics"
    assert b"envoy_http_downstream_rq_total" in front.ask("/stats/prometheus", port=metrics).body
    for port, path, body in (
        (health, "/v2/models/digits", None),
        (health, INFER, b"{}"),
        (health, "/metrics", None),
        (metrics, "/v2", None),
        (metrics, "/config_dump", None),
        (metrics, "/stats/prometheus/../../quitquitquit", b""),
    ):
        assert front.ask(path, port=port, body=body).status == 404


def test_the_fronts_own_interface_tells_nothing_but_its_measurements(front: RunningFront) -> None:
    for path, body in (("/config_dump", None), ("/certs", None), ("/quitquitquit", b""), ("/logging?level=trace", b"")):
        assert front.ask(path, port=front.ports.admin, body=body).status == 403
    assert front.process.poll() is None


def test_the_log_tells_who_asked_for_what_and_neither_token_nor_payload(front: RunningFront, issuer: Issuer) -> None:
    # The last test of this front: its log is complete when it has ended.
    token, secret = issuer.token(), "a-word-that-nobody-else-says"
    front.ask(f"{INFER}?key={secret}", token, body=secret.encode(), cookie=secret)
    front.ask(f"{INFER}?key={secret}", token, body=secret.encode() * (LARGEST // len(secret) + 1))
    front.ask(f"{INFER}?key={secret}", f"{token}{secret}", body=b"")
    assert front.end() == 0
    logged = (front.folder / "log").read_text() + (front.folder / "errors").read_text()
    assert secret not in logged
    assert token not in logged
    assert token.split(".")[1] not in logged
    answered, too_large, unknown = front.log()[-3:]
    assert answered | {"status": 200, "subject": SUBJECT, "path": INFER, "route": "infer"} == answered
    assert too_large["status"] == 413
    assert unknown | {"status": 401, "subject": None} == unknown
