"""Where `yard loadtest` sends its requests: the service of a stack, or what URLs and a model's name say."""

import ipaddress
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.deployed_model import DeployedModel, find_model
from cli.errors import CommandError
from cli.loadtest_tls import Tls
from cli.project_folder import find_project_folder
from planning.errors import PlanningError

PROTOCOLS = ("http", "grpc")
_SCHEMES = {"http": ("http", False), "https": ("http", True), "grpc": ("grpc", False), "grpcs": ("grpc", True)}
_URL = "must be http://HOST:PORT, https://HOST:PORT, grpc://HOST:PORT or grpcs://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one protocol is spoken."""

    protocol: str
    """One of PROTOCOLS."""
    address: str
    """HOST:PORT; over HTTP a path may follow."""
    is_encrypted: bool
    """Whether it is TLS, with the host's certificate verified."""

    @property
    def url(self) -> str:
        """As people write it."""
        return f"{self.protocol}{'s' if self.is_encrypted else ''}://{self.address}"

    @property
    def is_here(self) -> bool:
        """Whether it is this machine's own loopback."""
        host = urlsplit(f"//{self.address}").hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True, slots=True)
class Target:
    """A model behind one or two endpoints."""

    model: str
    endpoints: tuple[Endpoint, ...]
    token: str = field(default="", repr=False)
    """Bearer token of every request; empty: none. A secret."""
    tls: Tls = field(default_factory=Tls)
    """Of the encrypted endpoints."""

    @property
    def is_here(self) -> bool:
        """Whether all of it is on this machine."""
        return all(endpoint.is_here for endpoint in self.endpoints)


def target_of_urls(urls: Sequence[str], model: str, protocols: Sequence[str], token_variable: str) -> Target:
    """What the options name. Raises PlanningError for all that is wrong at once.

    :param urls: One or more, at most one for each protocol.
    :param protocols: Those to use; none: those that there are URLs for.
    """
    problems: list[str] = []
    found: dict[str, Endpoint] = {}
    for url in urls:
        endpoint = _endpoint(url, problems)
        if endpoint and endpoint.protocol in found:
            problems.append(f"--url = {url!r}: is the second one for {endpoint.protocol}; must be one for each")
        elif endpoint:
            found[endpoint.protocol] = endpoint
    if not model:
        problems.append("--model = '': must name the model, since --url names no stack that would tell")
    if len(found) == len(urls):
        problems += [
            f"--protocol = {protocol!r}: must come with a --url for it, such as {protocol}://127.0.0.1:8000"
            for protocol in protocols
            if protocol not in found
        ]
    token = _token(token_variable, found.values(), problems)
    if problems:
        raise PlanningError.of(problems)
    chosen = tuple(found[protocol] for protocol in protocols or PROTOCOLS if protocol in found)
    return Target(model, chosen, token)


def target_of_stack(directory: Path, stack: str, model: str, protocols: Sequence[str], token_variable: str) -> Target:
    """The service of a stack. Raises EngineError, CommandError where it serves nothing, or PlanningError."""
    deployed = find_model(find_project_folder(directory), stack)
    if not deployed.http_address or not deployed.grpc_address:
        raise CommandError(f"stack {stack} serves no model: its inference service was left out or is not up")
    found = {endpoint.protocol: endpoint for endpoint in _endpoints_of(deployed)}
    problems: list[str] = []
    token = _token(token_variable, found.values(), problems) or deployed.token
    if problems:
        raise PlanningError.of(problems)
    return Target(model or deployed.job, tuple(found[protocol] for protocol in protocols or PROTOCOLS), token)


def _endpoints_of(deployed: DeployedModel) -> tuple[Endpoint, Endpoint]:
    # The stack's one front encrypts both protocols or none, and only the URL of HTTP says so.
    is_encrypted = deployed.http_address.startswith("https://")
    return (
        Endpoint("http", deployed.http_address.removeprefix("https://"), is_encrypted),
        Endpoint("grpc", deployed.grpc_address, is_encrypted),
    )


def _endpoint(url: str, problems: list[str]) -> Endpoint | None:
    if "@" in url:
        # Not shown, since what stands before the sign is a secret.
        problems.append("--url: must have no user and password in it; a token comes by --token-variable")
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    path = parts.path.strip("/")
    known = _SCHEMES.get(parts.scheme)
    if not known or not parts.hostname or not port or parts.query or parts.fragment:
        problems.append(f"--url = {url!r}: {_URL}")
        return None
    protocol, is_encrypted = known
    if path and protocol == "grpc":
        problems.append(f"--url = {url!r}: {_URL}, and no path with gRPC")
        return None
    return Endpoint(protocol, f"{parts.netloc}/{path}" if path else parts.netloc, is_encrypted)


def _token(variable: str, endpoints: Collection[Endpoint], problems: list[str]) -> str:
    if not variable:
        return ""
    token = os.environ.get(variable, "").strip()
    if not token:
        problems.append(f"--token-variable = {variable!r}: must name an environment variable that holds a token")
    elif not token.isascii() or not token.isprintable() or " " in token:
        problems.append(f"--token-variable = {variable!r}: must hold one word that a header can carry")
    problems += [
        f"--token-variable = {variable!r}: must go with {endpoint.protocol}s:// to another machine, not {endpoint.url}"
        for endpoint in endpoints
        if not endpoint.is_encrypted and not endpoint.is_here
    ]
    return token
