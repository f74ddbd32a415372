"""A pod that ends: its clients have moved to another one before its server ends, and none of them has lost a request.

Two pods, each with the real Envoy, behind a stand-in for kube-proxy: who connects is sent to the pod that is there.
"""

import http.client
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest

from infra.service_settings import AuthenticationSettings
from tests.infra.kubernetes.service.front_process import (
    GRPC_INFER,
    INFER,
    front_for,
    running_front,
    running_upstream,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("service-front-draining")

CHUNK = 65_536


class ConnectionBalancer:
    """Passes connections on to a pod; which one is decided when a client connects, as kube-proxy does."""

    def __init__(self) -> None:
        self.pod = 0
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Cut every connection."""
        self._ended.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        others: dict[socket.socket, socket.socket] = {}
        while not self._ended.is_set():
            readable, _, _ = select.select([self._listener, *others], [], [], 0.05)
            for each in readable:
                if each is self._listener:
                    client, pod = each.accept()[0], socket.create_connection(("127.0.0.1", self.pod))
                    self.connections += 1
                    others |= {client: pod, pod: client}
                elif each in others:
                    self._pass_on(each, others)
        for each in others:
            each.close()

    def _pass_on(self, each: socket.socket, others: dict[socket.socket, socket.socket]) -> None:
        try:
            data = each.recv(CHUNK)
            others[each].sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (each, others[each]):
                del others[end]
                end.close()


@contextmanager
def asking(ask: Callable[[], None]) -> Iterator[list[str]]:
    """Ask again and again until the end, and collect what goes wrong."""
    ended, problems = threading.Event(), list[str]()

    def run() -> None:
        while not ended.wait(0.01):
            try:
                ask()
            except Exception as error:
                problems.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield problems
    finally:
        ended.set()
        thread.join()


def ask_by_http(connection: http.client.HTTPConnection) -> None:
    """One request on a connection that is kept as long as the front wants it to be."""
    connection.request("POST", INFER, b"{}")
    answer = connection.getresponse()
    body = answer.read()
    assert (answer.status, body) == (200, b"{}")


def ask_by_grpc(channel: grpc.Channel) -> None:
    """One request on a channel."""
    assert channel.unary_unary(GRPC_INFER)(b"an image", timeout=20) == b"an image"


@pytest.mark.usefixtures("_envoy")
def test_an_update_loses_no_request(tmp_path: Path) -> None:
    asked = front_for(
        AuthenticationSettings(mechanism="none"), connection_seconds=0.5, idle_seconds=10, goodbye_seconds=0.2
    )
    with ExitStack() as stack:
        upstreams = [stack.enter_context(running_upstream()) for _ in range(2)]
        old, new = (
            stack.enter_context(running_front(asked, tmp_path / str(number), http=pod.http, grpc=pod.grpc))
            for number, pod in enumerate(upstreams)
        )
        balancer = ConnectionBalancer()
        stack.callback(balancer.end)
        balancer.pod = old.ports.clients
        connection = http.client.HTTPConnection("127.0.0.1", balancer.port, timeout=20)
        stack.callback(connection.close)
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{balancer.port}"))
        problems = [
            stack.enter_context(asking(lambda: ask_by_http(connection))),
            stack.enter_context(asking(lambda: ask_by_grpc(channel))),
        ]
        first, second = (pod.paths for pod in upstreams)
        wait_for(lambda: {INFER, GRPC_INFER} <= set(first), "both clients to be answered")
        assert not second
        # The pod is to end: no new connection comes, and those that there are leave by themselves.
        balancer.pod = new.ports.clients
        wait_for(lambda: old.open_connections() == 0, "the clients to have left the old pod")
        answered = len(first)
        # Only then is its server asked to end, and then the front.
        assert old.end() == 0
        before = len(second)
        wait_for(lambda: {INFER, GRPC_INFER} <= set(second[before:]), "both clients to be answered by the new pod")
        assert len(first) == answered
        assert problems == [[], []]
        assert balancer.connections < answered + len(second), "connections are kept for more than a request"
