"""Who may ask: the front's filters that check tokens or certificates, and its TLS.

A token is checked for signature, issuer, audience and time, then its subject against a list: 401 for a token that is
none, 403 for one that is not allowed. The token goes no further than the front.

Sources: Envoy, "JWT Authentication", "Role Based Access Control (RBAC) Filter", "Secret discovery service (SDS)";
Kubernetes, "Configure Service Accounts for Pods" (service account token volume projection).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from infra.kubernetes.service.addresses import CERTIFICATE_FILE, CLIENT_CA_FILE, FrontFiles
from infra.service_settings import AuthenticationSettings

KEYS_CLUSTER = "keys"
KEYS_PATH = "keys"
"""Where an issuer's public keys are below its URL, if nobody says otherwise."""
_PROVIDER = "clients"
_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE = "certificate"
_CLIENT_CA = "client_ca"


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Who may ask a service, with everything known."""

    settings: AuthenticationSettings
    cluster_issuer: str
    """The issuer of the cluster's own tokens."""
    namespace: str
    """The service's namespace, whose service accounts may ask where the settings name nobody."""
    cluster_keys_path: str = KEYS_PATH
    """Where that issuer's public keys are, below its URL."""
    public_keys: str = ""
    """The issuer's public keys, a JSON Web Key Set (RFC 7517); empty: they are fetched from `jwks_uri`."""

    @property
    def issuer(self) -> str:
        """Who has to have signed a token."""
        return self.settings.issuer or self.cluster_issuer

    @property
    def jwks_uri(self) -> str:
        """Where the issuer's public keys are."""
        path = KEYS_PATH if self.settings.issuer else self.cluster_keys_path
        return self.settings.jwks_uri or f"{self.issuer.rstrip('/')}/{path}"

    @property
    def fetches_keys(self) -> bool:
        """Whether the issuer's keys are fetched from elsewhere."""
        return self.settings.mechanism == "jwt" and not self.public_keys


def authentication_filters(clients: Clients) -> list[dict[str, Any]]:
    """The HTTP filters, in order; none where nobody is asked who he is."""
    match clients.settings.mechanism:
        case "jwt":
            return [_jwt_filter(clients), _rbac_filter(_token_principals(clients))]
        case "mtls":
            return [_rbac_filter(_certificate_principals(clients.settings))]
        case "none":
            return []


def keys_cluster(clients: Clients, files: FrontFiles) -> dict[str, Any]:
    """Where Envoy fetches the issuer's keys from."""
    address = urlsplit(clients.jwks_uri)
    host, port = address.hostname or "", address.port or 443
    ca = f"{files.jwks_ca}/ca.crt" if clients.settings.jwks_ca_config_map else files.public_authorities
    tls = {
        "@type": f"{_TLS}.UpstreamTlsContext",
        "sni": host,
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "validation_context": {
                "trusted_ca": {"filename": ca},
                "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
            },
        },
    }
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}
    return {
        "name": KEYS_CLUSTER,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": KEYS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
    }


def transport_socket(settings: AuthenticationSettings, files: FrontFiles) -> dict[str, Any]:
    """The listener's TLS, to be merged into its filter chain; nothing where it has none."""
    if not settings.certificate_secret:
        return {}
    common: dict[str, Any] = {
        # Every client of KServe v2 speaks it.
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [_secret_of(_CERTIFICATE, files, CERTIFICATE_FILE)],
    }
    known = settings.mechanism == "mtls"
    if known:
        common["validation_context_sds_secret_config"] = _secret_of(_CLIENT_CA, files, CLIENT_CA_FILE)
    tls = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "require_client_certificate": known,
        "common_tls_context": common,
    }
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls}}


def secret_files(settings: AuthenticationSettings, files: FrontFiles) -> dict[str, dict[str, Any]]:
    """Where Envoy finds certificates, by file name beside its bootstrap: read anew when a Secret is renewed."""
    found: dict[str, dict[str, Any]] = {}
    if settings.certificate_secret:
        certificate = {
            "certificate_chain": {"filename": f"{files.certificate}/tls.crt"},
            "private_key": {"filename": f"{files.certificate}/tls.key"},
            "watched_directory": {"path": files.certificate},
        }
        found[CERTIFICATE_FILE] = _secret(_CERTIFICATE, {"tls_certificate": certificate})
    if settings.mechanism == "mtls":
        ca = {
            "trusted_ca": {"filename": f"{files.client_ca}/ca.crt"},
            "watched_directory": {"path": files.client_ca},
        }
        found[CLIENT_CA_FILE] = _secret(_CLIENT_CA, {"validation_context": ca})
    return found


def _jwt_filter(clients: Clients) -> dict[str, Any]:
    provider = {
        "issuer": clients.issuer,
        "audiences": list(clients.settings.audiences),
        "require_expiration": True,
        # Told, so that a token in the query string, which others log, is not one.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "payload_in_metadata": "payload",
        **_issuers_keys(clients),
    }
    return {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": f"{_FILTERS}.jwt_authn.v3.JwtAuthentication",
            "providers": {_PROVIDER: provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": _PROVIDER}}],
        },
    }


def _issuers_keys(clients: Clients) -> dict[str, Any]:
    if clients.public_keys:
        return {"local_jwks": {"inline_string": clients.public_keys}}
    return {
        "remote_jwks": {
            "http_uri": {"uri": clients.jwks_uri, "cluster": KEYS_CLUSTER, "timeout": "5s"},
            # Keys are there before the first client is. Where they cannot be had, nobody gets in until they can.
            "async_fetch": {"failed_refetch_duration": "2s"},
            "cache_duration": "300s",
        }
    }


def _rbac_filter(principals: list[dict[str, Any]]) -> dict[str, Any]:
    policy = {"permissions": [{"any": True}], "principals": principals}
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": f"{_FILTERS}.rbac.v3.RBAC",
            "rules": {"action": "ALLOW", "policies": {_PROVIDER: policy}},
        },
    }


def _token_principals(clients: Clients) -> list[dict[str, Any]]:
    matches = [{"exact": subject} for subject in clients.settings.subjects] or [
        {"prefix": f"system:serviceaccount:{clients.namespace}:"}
    ]
    subject = {"filter": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "sub"}]}
    return [
        {"sourced_metadata": {"metadata_matcher": {**subject, "value": {"string_match": match}}}} for match in matches
    ]


def _certificate_principals(settings: AuthenticationSettings) -> list[dict[str, Any]]:
    named: list[dict[str, Any]] = [{"principal_name": {"exact": subject}} for subject in settings.subjects]
    return [{"authenticated": each} for each in named or [{}]]


def _secret_of(name: str, files: FrontFiles, file: str) -> dict[str, Any]:
    source = {"path_config_source": {"path": f"{files.configuration}/{file}"}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def _secret(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"resources": [{"@type": f"{_TLS}.Secret", "name": name, **content}]}
