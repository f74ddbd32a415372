"""Rules for the processes that the local platform runs on this machine."""

from collections.abc import Iterator

from policies.local.types import CLOUD, SERVICE
from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import as_list, known

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@related_rule(
    CLOUD,
    SERVICE,
    id="local-processes-on-loopback",
    title="Processes on this machine listen on the loopback interface only.",
    severity="high",
    frameworks=("NIST SC-7",),
    wrong="Everybody on the network can then use the cloud's endpoint or the model.",
    mend="listen on 127.0.0.1, and let others in through a proxy that knows them.",
)
def processes_on_loopback(process: Resource, _stack: Stack) -> Iterator[str]:
    """The cloud tells its `endpoint`, a service its `endpoints` by name; both are outputs, known once they listen."""
    if process.type == CLOUD:
        told = as_list(process.get("endpoint"))
    else:
        told = list(known(process.get("endpoints", default={})).values())
    for endpoint in told:
        with process.apart():
            host = endpoint.removeprefix("http://").removeprefix("https://").partition("/")[0].rpartition(":")[0]
            if host not in _LOOPBACK:
                yield f"It listens on {endpoint}."


RULES = (processes_on_loopback,)
