"""Cases of the rules for processes on this machine."""

from policies.cases import Cases, made
from policies.local import processes
from policies.local.types import CLOUD, SERVICE

CASES = (
    Cases(
        processes.processes_on_loopback,
        passing=[
            made(CLOUD, "cloud", {"endpoint": "http://127.0.0.1:5000"}),
            made(SERVICE, "serve", {"endpoints": {"http": "localhost:8000", "grpc": "[::1]:8001"}}),
            made(SERVICE, "new"),
        ],
        failing=[
            (made(CLOUD, "cloud", {"endpoint": "http://0.0.0.0:5000"}), "It listens on http://0.0.0.0:5000."),
            (
                made(SERVICE, "serve", {"endpoints": {"http": "127.0.0.1:8000", "grpc": "10.0.0.7:8001"}}),
                "It listens on 10.0.0.7:8001.",
            ),
        ],
    ),
)
