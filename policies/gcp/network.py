"""Rules for networks on Google Cloud."""

from collections.abc import Iterator, Sequence
from typing import Any

from policies.addresses import is_internet
from policies.gcp import nodes
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, is_text, is_true, known

FIREWALL = "gcp:compute/firewall:Firewall"
POLICY_RULES = (
    "gcp:compute/firewallPolicyRule:FirewallPolicyRule",
    "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
    "gcp:compute/regionNetworkFirewallPolicyRule:RegionNetworkFirewallPolicyRule",
)
POLICIES_WITH_RULES = (
    "gcp:compute/firewallPolicyWithRules:FirewallPolicyWithRules",
    "gcp:compute/networkFirewallPolicyWithRules:NetworkFirewallPolicyWithRules",
    "gcp:compute/regionNetworkFirewallPolicyWithRules:RegionNetworkFirewallPolicyWithRules",
)
"""Firewall policies with all of their rules in them."""
FIREWALLS = (FIREWALL, *POLICY_RULES, *POLICIES_WITH_RULES)
NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
PROJECT = "gcp:organizations/project:Project"
CLUSTER = "gcp:container/cluster:Cluster"
MACHINES = (*nodes.MACHINES, *nodes.FROM_ELSEWHERE)
SSL_POLICIES = ("gcp:compute/sSLPolicy:SSLPolicy", "gcp:compute/regionSslPolicy:RegionSslPolicy")
PROXIES = (
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy",
    "gcp:compute/regionTargetHttpsProxy:RegionTargetHttpsProxy",
    "gcp:compute/targetSSLProxy:TargetSSLProxy",
)
HTTP_PROXY = "gcp:compute/targetHttpProxy:TargetHttpProxy"
URL_MAP = "gcp:compute/uRLMap:URLMap"
FORWARDING_RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"

_ADMINISTRATION = {22: "SSH", 3389: "RDP"}
_SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")
_EVERY_PORT = range(65536)
_WITH_PORTS = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp", "sctp": "sctp", "132": "sctp"}
_DIAGNOSTIC = ("icmp", "1", "icmpv6", "ipv6-icmp", "58")
"""Protocols by which hosts tell each other that a packet was too large or cannot arrive."""
_STRONG_PROFILES = ("MODERN", "RESTRICTED", "FIPS_202205", "CUSTOM")


@resource_rule(
    NETWORK,
    id="gcp-network-own-subnets",
    title="Networks have only the subnets that the program creates.",
    severity="medium",
    frameworks=("NIST CM-7", "NIST SC-7"),
    wrong="An automatic network has a subnet in every region, with addresses that collide with those of others.",
    mend="set autoCreateSubnetworks to false, and create a Subnetwork in each region that is used.",
)
def network_own_subnets(network: Resource) -> Iterator[str]:
    """The provider's default of autoCreateSubnetworks is true."""
    if is_true(network.get("autoCreateSubnetworks", default=True)):
        yield "Google Cloud creates a subnet in every region."


@related_rule(
    PROJECT,
    SUBNETWORK,
    FIREWALL,
    CLUSTER,
    *MACHINES,
    id="gcp-network-not-default",
    title="Nothing runs in a project's default network, and new projects have none.",
    severity="high",
    frameworks=("CKV_GCP_27", "CIS GCP 3.0.0 3.1", "NIST SC-7"),
    wrong="The default network lets the whole internet reach SSH and RDP on every machine in it.",
    mend="create a Network with autoCreateSubnetworks false and name it; give a project autoCreateNetwork false.",
)
def network_not_default(subject: Resource, _stack: Stack) -> Iterator[str]:
    """A cluster that names neither network nor subnetwork goes into the default one."""
    if subject.type == PROJECT:
        if is_true(subject.get("autoCreateNetwork", default=True)):
            yield "The project is created with a default network."
        return
    if subject.type == CLUSTER and subject.get("network") is None and subject.get("subnetwork") is None:
        yield "The cluster names no network, and is created in the default one."
    if subject.type in MACHINES:
        for index, _ in enumerate(as_list(subject.get("networkInterfaces"))):
            with subject.apart():
                if _is_in_default(subject, "networkInterfaces", index):
                    yield "It has an interface in the default network."
    elif _is_in_default(subject):
        yield "It is in the default network."


def _is_in_default(subject: Resource, *path: str | int) -> bool:
    return any_holds(lambda name: _is_default(subject, *path, name), ("network", "subnetwork"))


def _is_default(subject: Resource, *path: str | int) -> bool:
    name = subject.get(*path)
    if isinstance(name, Unknown) and subject.property_dependencies.get(str(path[0])):
        return False
    return is_text(name) and name.rpartition("/")[2] == "default"


@resource_rule(
    *FIREWALLS,
    id="gcp-firewall-administration-closed",
    title="No firewall lets the internet reach SSH or RDP.",
    severity="critical",
    frameworks=("CKV_GCP_2", "CKV_GCP_3", "CKV2_GCP_12", "CIS GCP 3.0.0 3.6", "CIS GCP 3.0.0 3.7", "NIST SC-7"),
    wrong="Anyone can then try passwords and keys on the machines until one fits.",
    mend="name the source ranges that need it, such as 35.235.240.0/20, from which Identity-Aware Proxy connects.",
)
def firewall_administration_closed(firewall: Resource) -> Iterator[str]:
    """All protocols, or all ports, are those of administration too."""
    for protocol, ports in _openings(firewall):
        for port, name in _ADMINISTRATION.items():
            if port in ports and protocol != "sctp":
                yield f"It lets the whole internet reach {name} ({protocol}, port {port})."


@resource_rule(
    *FIREWALLS,
    id="gcp-firewall-closed-to-internet",
    title="Firewalls let the internet reach only the ports that are meant for it.",
    severity="high",
    frameworks=("CKV_GCP_75", "CKV_GCP_77", "CKV_GCP_88", "CKV_GCP_106", "NIST SC-7"),
    wrong="Every service behind the port is then exposed to whoever looks for a fault in it.",
    mend="name the source ranges that need it, or let only the ranges of a load balancer in.",
    parameters={"allowed_ports": Parameter(("443",), "Ports, of TCP and UDP, that anyone may reach.")},
)
def firewall_closed_to_internet(firewall: Resource, allowed_ports: Sequence[str]) -> Iterator[str]:
    """What reaches SSH or RDP is told by gcp-firewall-administration-closed alone."""
    allowed = {int(port) for port in allowed_ports if port.isdigit()}
    for protocol, ports in _openings(firewall):
        administration = protocol != "sctp" and any(port in ports for port in _ADMINISTRATION)
        if not administration and not (protocol in ("tcp", "udp") and allowed.issuperset(ports)):
            asked = f"{ports.start}" if len(ports) == 1 else f"{ports.start}-{ports.stop - 1}"
            yield f"It lets the whole internet reach {protocol}{f', port {asked}' if ports else ''}."


def _openings(firewall: Resource) -> Iterator[tuple[str, range]]:
    """Protocols and ports that a firewall opens to the whole internet; no ports for a protocol that has none."""
    for rule in _rules_of(firewall):
        with firewall.apart():
            ranges, entries = _let_in(firewall.type, rule)
            for entry in entries if is_internet(ranges) else ():
                with firewall.apart():
                    yield from _reached(firewall, entry)


def _reached(firewall: Resource, entry: Any) -> Iterator[tuple[str, range]]:
    protocol = known(get(entry, "protocol" if firewall.type == FIREWALL else "ipProtocol", default="all")).lower()
    if protocol == "all":
        yield "all protocols", _EVERY_PORT
    elif protocol not in _WITH_PORTS and protocol not in _DIAGNOSTIC:
        yield f"protocol {protocol}", range(0)
    elif protocol in _WITH_PORTS:
        for port in as_list(get(entry, "ports")) or ("0-65535",):
            with firewall.apart():
                first, _, last = str(known(port)).partition("-")
                yield _WITH_PORTS[protocol], range(int(first), int(last or first) + 1)


def _rules_of(firewall: Resource) -> Sequence[Any]:
    """The rules of a firewall policy that has them in it; otherwise the one that the resource is."""
    return as_list(firewall.get("rules")) if firewall.type in POLICIES_WITH_RULES else (firewall.properties,)


def _let_in(type_: str, rule: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The ranges that a rule lets in, and to which protocols and ports. Raises Undecided.

    A firewall that names no source is for all of them. Source: Compute Engine API, firewalls, sourceRanges.
    """
    if is_true(get(rule, "disabled")) or known(get(rule, "direction", default="INGRESS")) != "INGRESS":
        return (), ()
    if type_ == FIREWALL:
        named = any_holds(lambda source: bool(as_list(get(rule, source))), _SOURCES)
        return as_list(get(rule, "sourceRanges")) if named else ("0.0.0.0/0",), as_list(get(rule, "allows"))
    if get(rule, "action", default="") not in ("allow", "apply_security_profile_group"):
        return (), ()
    ranges = as_list(get(rule, "match", "srcIpRanges"))
    scopes = [get(rule, "match", name) for name in ("srcNetworkScope", "srcNetworkContext")]
    if not ranges and any_holds(lambda scope: bool(known(scope) == "INTERNET"), scopes):
        ranges = ("0.0.0.0/0",)
    return ranges, as_list(get(rule, "match", "layer4Configs"))


@resource_rule(
    *FIREWALLS,
    id="gcp-firewall-logged",
    title="Firewalls log the connections that they judge.",
    severity="low",
    frameworks=("NIST AU-12", "NIST SI-4"),
    wrong="Nobody can tell afterwards who connected, and whether a rule is used at all.",
    mend="give a Firewall a logConfig, and a rule of a firewall policy enableLogging true.",
)
def firewall_logged(firewall: Resource) -> Iterator[str]:
    """An empty logConfig turns logging on; the provider's default is off. What only passes on to the next rules cannot
    log. Source: Compute Engine API, networkFirewallPolicies.addRule, enableLogging."""
    if firewall.type == FIREWALL:
        if known(firewall.get("logConfig", default=[])) == []:
            yield "The firewall does not log."
        return
    for rule in _rules_of(firewall):
        with firewall.apart():
            if known(get(rule, "action")) != "goto_next" and not is_true(get(rule, "enableLogging")):
                yield f"{_called(firewall, rule)} does not log."


@resource_rule(
    *FIREWALLS,
    id="gcp-firewall-described",
    title="Firewalls say what they are for.",
    severity="low",
    frameworks=("NIST CM-3",),
    wrong="Nobody dares to remove a rule of which nobody knows the reason.",
    mend="give it a description.",
)
def firewall_described(firewall: Resource) -> Iterator[str]:
    """Who reviews the rules of a network sees the description beside them."""
    for rule in _rules_of(firewall):
        with firewall.apart():
            if not is_text(get(rule, "description")):
                yield f"{_called(firewall, rule)} has no description."


def _called(firewall: Resource, rule: Any) -> str:
    if firewall.type in POLICIES_WITH_RULES:
        return f"The firewall policy's rule of priority {get(rule, 'priority', default='unknown')}"
    return "The firewall" if firewall.type == FIREWALL else "The rule of the firewall policy"


@related_rule(
    SUBNETWORK,
    id="gcp-subnetwork-flow-logs",
    title="Subnets keep flow logs.",
    severity="medium",
    frameworks=("CKV_GCP_26", "CIS GCP 3.0.0 3.8", "CIS GKE 1.6.0 5.6.1", "NIST AU-12"),
    wrong="An intruder's traffic leaves no trace.",
    mend="give the Subnetwork a logConfig with a flowSampling above 0.",
)
def subnetwork_flow_logs(subnetwork: Resource, stack: Stack) -> Iterator[str]:
    """Subnets of proxies and of Private Service Connect hold no machines, and cannot have flow logs. What GPUs send
    past the kernel is not logged either."""
    if not _holds_machines(subnetwork) or _is_for_rdma(subnetwork, stack):
        return
    if known(subnetwork.get("logConfig", default=[])) == []:
        yield "The subnet has no flow logs."
    elif subnetwork.get("logConfig", "flowSampling", default=0.5) == 0:
        yield "The subnet's flow logs sample nothing."


@related_rule(
    SUBNETWORK,
    id="gcp-subnetwork-private-google-access",
    title="Machines reach Google's services without a public address.",
    severity="medium",
    frameworks=("CKV_GCP_74", "NIST SC-7"),
    wrong="Machines then need a public address, or send their data to Google's services by way of the internet.",
    mend="set privateIpGoogleAccess to true.",
)
def subnetwork_private_google_access(subnetwork: Resource, stack: Stack) -> Iterator[str]:
    """It is off unless the subnet says otherwise. Cards for RDMA are no way to anything but other machines' cards."""
    if not _holds_machines(subnetwork) or _is_for_rdma(subnetwork, stack):
        return
    if not is_true(subnetwork.get("privateIpGoogleAccess")):
        yield "The subnet does not have Private Google Access."


def _holds_machines(subnetwork: Resource) -> bool:
    return subnetwork.get("purpose", default="PRIVATE") == "PRIVATE"


def _is_for_rdma(subnetwork: Resource, stack: Stack) -> bool:
    """Whether the subnet's network has a profile, by which it carries RDMA alone. Source: VPC, "Network profiles"."""
    profiled = [each for each in stack.of(NETWORK) if is_given(each, "networkProfile")]
    return any(subnetwork.refers_to(each, "network") for each in profiled)


@resource_rule(
    "gcp:compute/routerNat:RouterNat",
    id="gcp-nat-logged",
    title="Cloud NAT logs the connections that it translates.",
    severity="low",
    frameworks=("NIST AU-12", "NIST SI-4"),
    wrong="Nobody can tell which machine sent data out, or that connections are dropped for want of ports.",
    mend="give the RouterNat logConfig with enable true; the filter ERRORS_ONLY costs little.",
)
def nat_logged(nat: Resource) -> Iterator[str]:
    """It is off unless the gateway says otherwise."""
    if not is_true(nat.get("logConfig", "enable")):
        yield "The NAT gateway does not log."


@related_rule(
    *SSL_POLICIES,
    *PROXIES,
    HTTP_PROXY,
    id="gcp-proxy-strong-tls",
    title="Load balancers speak TLS 1.2 or later, with strong ciphers only.",
    severity="high",
    frameworks=("CKV_GCP_4", "CIS GCP 3.0.0 3.9", "NIST SC-8", "NIST SC-13"),
    wrong="Who listens on the way can make both sides use a cipher that is broken.",
    mend="give the proxy an sslPolicy with minTlsVersion TLS_1_2 and profile MODERN or RESTRICTED; of plain HTTP, only"
    " redirect it (defaultUrlRedirect.httpsRedirect of the URLMap).",
)
def proxy_strong_tls(subject: Resource, stack: Stack) -> Iterator[str]:
    """Without a policy, Google's default allows TLS 1.0 and the ciphers of the profile COMPATIBLE."""
    if subject.type == HTTP_PROXY:
        if not _is_internal(subject, stack) and any_holds(
            lambda urls: subject.refers_to(urls, "urlMap") and not _redirects(urls), stack.of(URL_MAP)
        ):
            yield "The proxy answers without TLS."
        return
    if subject.type in PROXIES:
        if not is_given(subject, "sslPolicy"):
            yield "The proxy has no SSL policy."
        return
    with subject.apart():
        version = subject.get("minTlsVersion", default="TLS_1_0")
        if version not in ("TLS_1_2", "TLS_1_3"):
            yield f"The SSL policy allows {version}."
    with subject.apart():
        profile = subject.get("profile", default="COMPATIBLE")
        if profile not in _STRONG_PROFILES:
            yield f"The SSL policy's profile is {profile}."
    for feature in as_list(subject.get("customFeatures")):
        with subject.apart():
            # Without an exchange of fresh keys, who obtains the certificate's key reads all that was ever recorded.
            if feature.startswith("TLS_RSA_WITH_"):
                yield f"The SSL policy allows {feature}."


def _redirects(urls: Resource) -> bool:
    return is_true(urls.get("defaultUrlRedirect", "httpsRedirect"))


def _is_internal(proxy: Resource, stack: Stack) -> bool:
    """Whether the forwarding rules of a proxy are for the own network; a proxy of all regions may be for either."""
    return any_holds(
        lambda rule: (
            str(known(rule.get("loadBalancingScheme", default="EXTERNAL"))).startswith("INTERNAL")
            and rule.refers_to(proxy, "target")
        ),
        stack.of(FORWARDING_RULE),
    )


RULES = (
    network_own_subnets,
    network_not_default,
    firewall_administration_closed,
    firewall_closed_to_internet,
    firewall_logged,
    firewall_described,
    subnetwork_flow_logs,
    subnetwork_private_google_access,
    nat_logged,
    proxy_strong_tls,
)
