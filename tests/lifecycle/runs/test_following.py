"""Following a training: what is known after each line, the line that is shown, and sources that fail and come back."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.runs.folder import RunFolder
from lifecycle.runs.following import LogTail, SourceError, cost_so_far, follow, follow_lines
from lifecycle.runs.following_pods import PodLines, eks_client
from lifecycle.runs.following_state import FollowingState, duration_text
from lifecycle.runs.record import RunCost, RunRecord
from tests.own_moto import aws_in_this_process
from trainyard_training.reporting.progress import Progress

BEGAN = 1_790_000_000.0
RUN = (
    "run digits/0123456789ab: 1438 training and 359 test examples in 8 shards, 2 workers on cpu, 17000 parameters,"
    " 264 steps"
)
STEP = "step  25/264  epoch  2/12  loss 2.2010  1,234 examples/s"


def record(**changes: object) -> RunRecord:
    """A run that began at `BEGAN` and costs 6 dollars an hour."""
    fields = {
        "id": "20260921-142640-abcd",
        "project": "shop",
        "stack": "local",
        "cloud": "local",
        "created": "2026-09-21T14:13:20Z",
        "updated": "2026-09-21T14:13:20Z",
        "max_hours": 2,
        "max_cost_usd": 10,
        "expires_at": "2026-09-21T17:13:20Z",
        "cost": RunCost(usd_per_hour=6.0),
    }
    return RunRecord.model_validate(fields | changes)


def test_at_first_the_end_is_unknown_and_then_it_follows_from_the_pace() -> None:
    state = FollowingState()
    assert state.text(BEGAN, 0.0) == "training has not begun  $0.00 so far  end unknown"
    state = state.after(RUN, BEGAN)
    assert state.text(BEGAN, 0.5) == "training  step 0/264  2 workers  $0.50 so far  end unknown"
    state = state.after_all(["step  24/264  epoch  2/12  loss 2.3000  900 examples/s", STEP], BEGAN + 60)
    assert state.seconds_left(BEGAN + 60) == pytest.approx((264 - 25) / 25 * 60)
    assert state.text(BEGAN + 60, 1.0) == (
        "training  step 25/264  epoch 2/12  loss 2.2010  2 workers  $1.00 so far  last step about 14:23 UTC (in 10 min)"
    )
    state = state.after("step 264/264  epoch 12/12  loss 0.1000  1,234 examples/s  test accuracy 0.9712", BEGAN + 600)
    assert state.stage == "finishing"
    assert "test accuracy 0.9712" in state.text(BEGAN + 600, 1.0)
    state = state.after("published s3://m/digits/x: test accuracy 0.9741, 9 artifacts", BEGAN + 601)
    assert state.text(BEGAN + 601, 2.0).startswith(
        "published  step 264/264  epoch 12/12  loss 0.1000  test accuracy 0.9741"
    )


def test_a_restart_begins_at_the_checkpoint_with_a_pace_of_its_own() -> None:
    state = FollowingState().after_all([RUN, STEP, "checkpoint of step 25"], BEGAN)
    state = state.after("stopped at step 30 of 264: received SIGTERM; run again", BEGAN + 10)
    assert state.text(BEGAN + 10, 0.0).startswith("training has stopped, with a checkpoint  step 30/264")
    state = state.after_all(
        [RUN.replace("2 workers", "1 workers"), "resumed from the checkpoint of step 30"], BEGAN + 50
    )
    assert (state.step, state.attempts, state.workers, state.saved_step) == (30, 2, 1, 30)
    assert state.seconds_left(BEGAN + 50) is None
    state = state.after("step  50/264  epoch  3/12  loss 2.0  900 examples/s", BEGAN + 60)
    assert state.steps_per_second == pytest.approx(2.0)
    assert "begun 2 times" in state.text(BEGAN + 60, 0.0)


def test_lines_that_are_read_together_say_nothing_about_the_pace() -> None:
    lines = [RUN] + [f"step {step:3}/264  epoch  1/12  loss 1.0  900 examples/s" for step in range(25, 200, 25)]
    state = FollowingState().after_all(lines, BEGAN)
    assert (state.step, state.steps_per_second) == (175, None)


def test_what_the_training_says_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(enabled=True, total_steps=1264, epochs=12)
    entry = {"step": 25, "epoch": 2, "loss": 0.12345, "examples_per_second": 1234567.0}
    progress.tell(entry)
    progress.tell({**entry, "step": 50, "test_accuracy": 0.987654})
    first, second = capsys.readouterr().out.splitlines()
    state = FollowingState().after(first, BEGAN)
    assert (state.step, state.total_steps, state.epoch, state.epochs, state.loss, state.accuracy) == (
        25, 1264, 2, 12, 0.1235, None,
    )  # fmt: skip
    assert state.after(second, BEGAN + 1).accuracy == 0.9877


LINES = st.one_of(
    st.text(max_size=60),
    st.sampled_from([RUN, STEP, "checkpoint of step 7", "stopped before the start: received SIGTERM; run again"]),
    st.builds("step {:3}/264  epoch  1/12  loss {}  1 examples/s".format, st.integers(0, 300), st.floats()),
    st.builds("resumed from the checkpoint of step {}".format, st.integers(0, 10**6)),
)


@given(st.lists(st.tuples(LINES, st.floats(0, 100))))
def test_no_line_breaks_the_state_and_the_end_is_never_in_the_past(lines: list[tuple[str, float]]) -> None:
    state, now = FollowingState(), BEGAN
    for line, seconds in lines:
        now += seconds
        state = state.after(line, now)
        left = state.seconds_left(now)
        assert left is None or left >= 0
        assert "\n" not in state.text(now, 0.0)
        assert len(state.samples) <= 41


def test_seconds_are_told_coarser_the_longer_they_are() -> None:
    assert [duration_text(each) for each in (0.4, 59, 61, 3599, 3600, 9000)] == [
        "0 s", "59 s", "1 min", "60 min", "1 h 0 min", "2 h 30 min",
    ]  # fmt: skip


def test_a_log_is_read_on_where_it_is_cut_made_anew_or_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "training" / "log.txt"
    tail = LogTail(path)
    assert tail.read() == []
    path.parent.mkdir()
    path.write_bytes(b"one\r\ntw")
    assert tail.read() == ["one"]
    with path.open("ab") as file:
        file.write(b"o\n\xff\n")
    assert tail.read() == ["two", "\ufffd"]
    assert tail.read() == []
    os.truncate(path, 0)
    path.write_bytes(b"cut\n")
    assert tail.read() == ["cut"]
    other = path.with_name("other")
    other.write_bytes(b"anew, and longer than before\nla")
    other.replace(path)
    assert tail.read() == ["anew, and longer than before"]
    path.unlink()
    assert tail.read() == []


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 9), min_size=1))
def test_every_line_is_read_once_however_it_is_written(lines: list[bytes], pieces: list[int]) -> None:
    import tempfile

    content = b"".join(line.replace(b"\n", b"").replace(b"\r", b"") + b"\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.txt")
        path.touch()
        tail, found, at, number = LogTail(path), [], 0, 0
        while at < len(content):
            size = pieces[number % len(pieces)]
            with path.open("ab") as file:
                file.write(content[at : at + size])
            found += tail.read()
            at, number = at + size, number + 1
        assert found == content.decode(errors="replace").split("\n")[:-1]


class Script:
    """A source that reads out what it is given, and sets the event at its end."""

    def __init__(self, parts: list[list[str] | Exception], stop: threading.Event) -> None:
        self._parts, self._stop = parts, stop

    def read(self) -> list[str]:
        if len(self._parts) <= 1:
            self._stop.set()
        part = self._parts.pop(0) if self._parts else []
        if isinstance(part, Exception):
            raise part
        return part


def follow_script(*parts: list[str] | Exception) -> list[str]:
    stop, shown, ticks = threading.Event(), [], iter(range(10**6))
    follow_lines(
        Script(list(parts), stop),
        lambda _: 1.5,
        stop,
        shown.append,
        look_seconds=0,
        clock=lambda: BEGAN + 20 * next(ticks),
    )
    return shown


def test_a_source_that_fails_is_told_of_once_and_read_again() -> None:
    failing = SourceError("the cluster does not answer")
    shown = follow_script([RUN], failing, failing, ["noise"], [STEP], RuntimeError())
    assert shown == [
        "training  step 0/264  2 workers  $1.50 so far  end unknown",
        "how the training goes cannot be seen at the moment: the cluster does not answer",
        "training  step 25/264  epoch 2/12  loss 2.2010  2 workers  $1.50 so far  last step about 14:27 UTC"
        " (in 13 min)",
        "how the training goes cannot be seen at the moment: RuntimeError",
    ]  # fmt: skip


def test_a_run_on_this_machine_is_followed_by_the_log_of_its_job(tmp_path: Path) -> None:
    log = tmp_path / ".pulumi" / "local" / "local" / "training" / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text(f"{RUN}\n{STEP}\nstep  50/2")
    stop, shown = threading.Event(), []
    stop.set()
    follow(record(), RunFolder(tmp_path / "runs" / "x"), tmp_path, stop, shown.append)
    assert len(shown) == 1
    assert re.match(
        r"training  step 25/264  epoch 2/12  loss 2\.2010  2 workers  \$[\d,.]+ so far  end unknown$", shown[0]
    )


def test_a_run_whose_log_nobody_can_find_is_told_of_and_goes_on(tmp_path: Path) -> None:
    stop, shown = threading.Event(), []
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    follow(record(cloud="moon", stack="dev"), RunFolder(tmp_path), tmp_path, stop, shown.append)
    assert shown == [
        "how the training goes cannot be shown: clusters of moon are not looked into; 'yard jobs' with a kubeconfig"
        " shows them"
    ]


def test_the_cost_counts_from_the_first_deployment_on() -> None:
    assert cost_so_far(record(), BEGAN + 1800) == pytest.approx(3.0)
    assert cost_so_far(record(deployed_at="2026-09-21T14:43:20Z"), BEGAN + 1800) == pytest.approx(0.0)


@contextmanager
def api_server(answers: Callable[[str], tuple[int, object]]) -> Iterator[str]:
    """An API server on a free port of loopback that answers paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = answers(self.path)
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            kind = "text/plain" if isinstance(answer, str) else "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pod(name: str, created: str, phase: str = "Running", index: str = "0") -> dict[str, object]:
    """A pod of the job as the API server tells it."""
    labels = {"trainyard.dev/job": "training", "batch.kubernetes.io/job-completion-index": index}
    metadata = {"name": name, "namespace": "vision", "creationTimestamp": created, "labels": labels}
    return {"metadata": metadata, "status": {"phase": phase}, "spec": {"containers": []}}


def test_the_newest_first_pod_of_a_job_is_read_on_and_a_new_pod_from_its_beginning() -> None:
    from kubernetes.client import ApiClient, Configuration

    pods: list[dict[str, object]] = []
    logs = {"training-0-a": "one\ntwo\nthr", "training-0-b": "again\n"}
    asked: list[str] = []
    broken = False

    def answer(path: str) -> tuple[int, object]:
        asked.append(path)
        if broken:
            return 503, {"kind": "Status", "reason": "ServiceUnavailable"}
        if path.startswith("/api/v1/pods?"):
            return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
        name = path.split("/")[6]
        return (200, logs[name]) if name in logs else (404, {"kind": "Status", "reason": "NotFound"})

    with api_server(answer) as address:

        def connect() -> ApiClient:
            configuration = Configuration()
            configuration.host, configuration.retries = address, 0
            return ApiClient(configuration)

        lines = PodLines(connect)
        assert lines.read() == []
        pods += [pod("training-1-a", "2026-01-01T00:00:09Z", index="1"), pod("training-0-z", "2026-01-01T00:00:00Z")]
        pods += [pod("training-0-a", "2026-01-01T00:00:01Z"), pod("training-0-p", "2026-01-01T00:00:08Z", "Pending")]
        assert lines.read() == ["one", "two"]
        logs["training-0-a"] += "ee\n"
        assert lines.read() == ["three"]
        assert lines.read() == []
        broken = True
        with pytest.raises(SourceError, match="does not tell the job's log: "):
            lines.read()
        broken = False
        assert lines.read() == []
        pods.append(pod("training-0-gone", "2026-01-01T00:00:02Z"))
        assert lines.read() == []
        pods[-1] = pod("training-0-b", "2026-01-01T00:00:03Z")
        assert lines.read() == ["again"]
    assert asked[0] == "/api/v1/pods?labelSelector=trainyard.dev/job%3Dtraining"
    assert any(path == "/api/v1/namespaces/vision/pods/training-0-a/log" for path in asked)


def test_a_cluster_is_found_by_its_name_with_a_token_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import base64

    import boto3

    for name, value in {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "never-shown"}.items():
        monkeypatch.setenv(name, value)
    with aws_in_this_process(["eks"]):
        with pytest.raises(SourceError, match="cluster trainyard-dev is not there yet"):
            eks_client("trainyard-dev", "eu-west-1")
        boto3.client("eks", region_name="eu-west-1").create_cluster(
            name="trainyard-dev", roleArn="arn:aws:iam::123456789012:role/x", resourcesVpcConfig={"subnetIds": []}
        )
        client = eks_client("trainyard-dev", "eu-west-1")
    bearer = client.configuration.api_key["authorization"]
    token = bearer.removeprefix("Bearer k8s-aws-v1.")
    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    assert re.match(r"https://sts\.eu-west-1\.amazonaws\.com/\?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-", url)
    assert "x-k8s-aws-id" in url
    assert "never-shown" not in bearer + url
    assert client.configuration.ca_cert_data
