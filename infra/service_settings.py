"""The settings of the inference service: how many pods, who may ask them, how much, and from where.

On one machine the service is one server behind one front on loopback: of these settings only `limits` count there, and
of `authentication` the mechanism, jwt or none, and the audiences.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from infra.cloud_setting_values import context
from infra.setting_types import Group, Real, Truth, Whole, pattern, refuse

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HostName = Annotated[
    str, pattern(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})+", "a DNS name in small letters, such as digits.example.com")
]
ObjectName = Annotated[
    str, pattern(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", "the name of a Kubernetes object: a-z, 0-9, - and .")
]
Namespace = Annotated[str, pattern(_LABEL, "the name of a namespace: a-z, 0-9 and -, 63 at most")]
HttpsUrl = Annotated[
    str, pattern(r"https://[\w.-]+(:\d{1,5})?(/[\w./~-]*)?", "a URL such as https://idp.example.com/realms/ml")
]


def _refuse_odd_text(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,500}", text):
        raise refuse("must be 1 to 500 printable characters without a space")
    return text


Claim = Annotated[str, AfterValidator(_refuse_odd_text)]
"""What a token's claim or a certificate's name is compared with."""


class ScalingSettings(Group):
    """How many pods serve, and what decides it."""

    min_pods: Whole = Field(default=1, ge=1, le=1000)
    """Pods at the least, while any are needed. One pod alone is away for a while when its node is."""
    max_pods: Whole = Field(default=3, ge=1, le=1000, validate_default=True)
    """Pods at the most; as many as `min_pods`: their number is fixed."""
    metric: Literal["queue", "gpu", "cpu"] = "queue"
    """What is held at its target: how long requests wait in the server's queue, or how busy GPUs or CPUs are. queue and
    gpu need the monitoring add-on."""
    target_queue_microseconds: Whole = Field(default=20_000, ge=1, le=60_000_000)
    """Microseconds that requests wait in the queue, on average over the pods."""
    target_gpu_percent: Whole = Field(default=70, ge=1, le=100)
    """Percent of the time that a pod's GPUs are busy."""
    target_cpu_percent: Whole = Field(default=70, ge=1, le=100)
    """Percent of the server's CPUs that are busy."""
    settle_minutes: Whole = Field(default=5, ge=0, le=60)
    """Minutes that fewer pods have to suffice before one is ended."""
    to_zero: Truth = False
    """Whether no pod is left when nobody asks; needs the add-on scale_to_zero. The first request after that is refused
    until a pod is ready."""
    idle_minutes: Whole = Field(default=15, ge=1, le=1440)
    """Minutes without a request after which no pod is left."""
    demand_query: str = Field(default="", max_length=2000)
    """Prometheus query of the requests a second that are asked for, counted where they are seen without a pod; empty:
    those that come through the service's own gateway."""

    @field_validator("max_pods")
    @classmethod
    def _not_fewer_than_the_least(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("min_pods", 1)
        if most < least:
            raise refuse(f"must be at least min_pods ({least})")
        return most

    @property
    def fixed(self) -> bool:
        """Whether there is always the same number of pods."""
        return self.min_pods == self.max_pods and not self.to_zero


_OF_GKE = ("", "gce", "gce-internal")
"""Classes of Ingress that GKE's own controller takes. Source: GKE, "GKE Ingress for Application Load Balancers"."""


class ExposureSettings(Group):
    """From where the service is reached."""

    kind: Literal["cluster", "gateway", "ingress"] = "cluster"
    """cluster: by pods of the same namespace that have the label trainyard.dev/client: "true". gateway and ingress:
    from outside, too, through a Gateway of the service's own (Gateway API) or an Ingress, with TLS."""
    host: HostName = Field(default="", validate_default=True)
    """DNS name by which it is reached from outside."""
    grpc_host: HostName = ""
    """DNS name for gRPC at a gateway, which takes another one than for HTTP; empty: grpc. and `host`."""
    class_name: ObjectName = Field(default="", validate_default=True)
    """GatewayClass or IngressClass; empty: the platform's own gateway, or the cluster's default for an Ingress, which
    is GKE's own there and refused."""
    proxy_namespace: Namespace = Field(default="", validate_default=True)
    """Namespace of the pods that pass requests on; empty: that of the platform's own gateway. An Ingress needs it."""
    certificate_secret: ObjectName = Field(default="", validate_default=True)
    """Secret of type kubernetes.io/tls in the service's namespace with the certificate for `host` and `grpc_host`."""

    @field_validator("host", "certificate_secret")
    @classmethod
    def _needed_outside(cls, name: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if not name and kind in ("gateway", "ingress"):
            raise refuse(f"must be set where kind is {kind}: nothing is reached from outside without a name and TLS")
        return name

    @field_validator("grpc_host")
    @classmethod
    def _hosts_differ(cls, grpc_host: str, info: ValidationInfo) -> str:
        if grpc_host and grpc_host == info.data.get("host"):
            raise refuse("must be another name than host: a gateway takes one kind of route for each name")
        return grpc_host

    @field_validator("class_name")
    @classmethod
    def _not_in_public(cls, name: str, info: ValidationInfo) -> str:
        if info.data.get("kind") == "ingress" and context(info, "cloud") == "gcp" and name in _OF_GKE:
            raise refuse(
                "must name the class of a controller whose pods are in proxy_namespace, where kind is ingress and "
                "trainyard:cloud is gcp: GKE's own makes a public load balancer, whose requests the service refuses"
            )
        return name

    @field_validator("proxy_namespace")
    @classmethod
    def _needed_by_ingress(cls, namespace: str, info: ValidationInfo) -> str:
        if not namespace and info.data.get("kind") == "ingress":
            raise refuse("must be set where kind is ingress: only pods of that namespace get through to the service")
        return namespace

    @property
    def host_of_grpc(self) -> str:
        """DNS name by which gRPC is reached through a gateway."""
        return self.grpc_host or f"grpc.{self.host}"


class AuthenticationSettings(Group):
    """Who may ask the service, checked in front of every pod."""

    mechanism: Literal["jwt", "mtls", "none"] = Field(default="jwt", validate_default=True)
    """jwt: a token that an issuer has signed. mtls: a certificate that a CA of yours has signed. none: anybody whose
    packets get there."""
    issuer: HttpsUrl = ""
    """Issuer of tokens; empty: the cluster's own, which gives every pod one that asks for it."""
    jwks_uri: HttpsUrl = ""
    """Where the issuer's public keys are; empty: at /keys of the issuer, as EKS has them."""
    jwks_ca_config_map: ObjectName = ""
    """ConfigMap whose ca.crt the server of the keys is known by; empty: the public certificate authorities."""
    audiences: tuple[Claim, ...] = Field(default=("trainyard-serving",), min_length=1, max_length=20)
    """Audiences, one of which a token has to be for."""
    subjects: tuple[Claim, ...] = Field(default=(), max_length=200)
    """Who may: subjects of tokens, such as system:serviceaccount:NAMESPACE:NAME, or names (SAN) in certificates; empty:
    every service account of the service's namespace, or everyone whom the CA has signed."""
    client_ca_secret: ObjectName = Field(default="", validate_default=True)
    """Secret whose ca.crt the certificates of clients are signed by; mtls needs it."""
    certificate_secret: ObjectName = Field(default="", validate_default=True)
    """Secret of type kubernetes.io/tls with which every pod itself speaks TLS; empty: not encrypted inside the cluster.
    mtls needs it. Behind a gateway it needs ca.crt, too, and the service's name in the cluster."""

    @field_validator("mechanism")
    @classmethod
    def _nobody_unknown_in_production(cls, mechanism: str, info: ValidationInfo) -> str:
        if mechanism == "none" and (info.context or {}).get("environment") == "prod":
            raise refuse("must be jwt or mtls in prod")
        return mechanism

    @field_validator("client_ca_secret", "certificate_secret")
    @classmethod
    def _mtls_needs_both(cls, secret: str, info: ValidationInfo) -> str:
        mechanism = info.data.get("mechanism")
        if mechanism == "mtls" and not secret:
            raise refuse("must be set where mechanism is mtls")
        if info.field_name == "client_ca_secret" and secret and mechanism in ("jwt", "none"):
            raise refuse(f"must be empty where mechanism is {mechanism}: certificates of clients are not asked for")
        return secret


class LimitSettings(Group):
    """What one pod or process takes on; what is more is refused at once, before it costs anything."""

    request_mib: Real = Field(default=8, gt=0, le=1024)
    """Size of a request in MiB at the most."""
    timeout_seconds: Whole = Field(default=30, ge=1, le=3600)
    """Seconds in which a request has to be answered. A pod that is to end waits so long for those that it has."""
    concurrent_requests: Whole = Field(default=64, ge=1, le=10_000)
    """Requests that the server has at once, by HTTP and by gRPC each. As many again may wait for it over HTTP."""
    connections: Whole = Field(default=1000, ge=1, le=100_000)
    """Connections of clients."""
    inference: Literal["http_and_grpc", "grpc"] = "http_and_grpc"
    """Over what clients may have images classified. grpc: not over HTTP, where Triton reads JSON that can end it; for
    clients that are not trusted that far. Health and metadata stay open over both."""


def secured_problem(exposure: ExposureSettings, authentication: AuthenticationSettings) -> tuple[str, str] | None:
    """Why clients cannot be known with this exposure: the field of `authentication`, and what would be valid."""
    if exposure.kind == "cluster":
        return None
    if authentication.mechanism == "none":
        return "mechanism", f"must be jwt where exposure.kind is {exposure.kind}"
    if authentication.mechanism == "mtls":
        where = f"a{'n' if exposure.kind == 'ingress' else ''} {exposure.kind}"
        return "mechanism", f"must be jwt where exposure.kind is {exposure.kind}: {where} ends the clients' TLS"
    if exposure.kind == "ingress" and authentication.certificate_secret:
        return "certificate_secret", "must be empty where exposure.kind is ingress: it speaks HTTP to the pods"
    return None
