"""Cases of the rules for networks on Google Cloud."""

from typing import Any

from policies.cases import Cases, made
from policies.gcp import network
from policies.resources import Resource

NAT = "gcp:compute/routerNat:RouterNat"
INSTANCE = network.MACHINES[0]
POLICY_RULE = network.POLICY_RULES[1]
SSL_POLICY = network.SSL_POLICIES[0]
PROXY = network.PROXIES[0]
IDENTITY_AWARE_PROXY = "35.235.240.0/20"

NETWORK = network.NETWORK
OWN = made(NETWORK, "own", {"autoCreateSubnetworks": False})
RDMA = made(NETWORK, "rdma", {"networkProfile": "projects/p/global/networkProfiles/us-east4-b-vpc-roce"})
OF_RDMA = made(network.SUBNETWORK, "cards", refers={"network": RDMA})
SSL = made(SSL_POLICY, "modern", {"minTlsVersion": "TLS_1_2", "profile": "MODERN"})


def firewall(ranges: Any, *allows: dict[str, Any], **properties: Any) -> Resource:
    """A firewall that lets these ranges in."""
    return made(network.FIREWALL, "in", {"sourceRanges": ranges, "allows": list(allows), **properties})


def policy_rule(ranges: Any, *configs: dict[str, Any], **properties: Any) -> Resource:
    """A rule of a network firewall policy that lets these ranges in."""
    match = {"srcIpRanges": ranges, "layer4Configs": list(configs)}
    return made(POLICY_RULE, "in", {"action": "allow", "direction": "INGRESS", "match": match, **properties})


def policy(*rules: Resource, of: str = network.POLICIES_WITH_RULES[1]) -> Resource:
    """A firewall policy with all of its rules in it."""
    numbered = [{"priority": priority, **rule.properties} for priority, rule in enumerate(rules, 1000)]
    return made(of, "policy", {"rules": numbered})


_PLAIN = made(network.URL_MAP, "front", {"defaultService": "front"})
_TO_TLS = made(network.URL_MAP, "to-tls", {"defaultUrlRedirect": {"httpsRedirect": True, "stripQuery": False}})
_PLAIN_PROXY = made(network.HTTP_PROXY, "plain", refers={"urlMap": _PLAIN})


def _forwarding(scheme: str) -> Resource:
    return made(network.FORWARDING_RULE, "plain", {"loadBalancingScheme": scheme}, refers={"target": _PLAIN_PROXY})


SSH = {"protocol": "tcp", "ports": ["22"]}
ANYONE = ["0.0.0.0/0"]
ANY_PORT = {"ipProtocol": "all"}
ANY_PROTOCOL = {"layer4Configs": [ANY_PORT]}

CASES = (
    Cases(
        network.network_own_subnets,
        passing=[OWN],
        failing=[
            (made(NETWORK, "own", {}), "creates a subnet in every region"),
            (made(NETWORK, "own", {"autoCreateSubnetworks": True}), "creates a subnet in every region"),
        ],
    ),
    Cases(
        network.network_not_default,
        passing=[
            made(network.PROJECT, "training", {"autoCreateNetwork": False}),
            made(network.SUBNETWORK, "nodes", refers={"network": OWN}),
            made(network.FIREWALL, "in", {"network": "projects/p/global/networks/not-default"}),
            made(network.CLUSTER, "main", {"subnetwork": "nodes"}),
            made(INSTANCE, "build", {"networkInterfaces": [{"subnetwork": "nodes"}]}),
            made(NETWORK, "default", {"autoCreateSubnetworks": False}),
        ],
        failing=[
            (made(network.PROJECT, "training", {"projectId": "training"}), "created with a default network"),
            (made(network.PROJECT, "training", {"autoCreateNetwork": True}), "created with a default network"),
            (made(network.CLUSTER, "main", {"location": "europe-west4"}), "names no network"),
            (made(network.CLUSTER, "main", {"network": "default"}), "in the default network"),
            (
                made(network.CLUSTER, "main", {"subnetwork": "p/regions/r/subnetworks/default"}),
                "in the default network",
            ),
            (made(network.FIREWALL, "in", {"network": "projects/p/global/networks/default"}), "in the default network"),
            (
                made(INSTANCE, "build", {"networkInterfaces": [{"network": "own"}, {"network": "default"}]}),
                "an interface in the default network",
            ),
            (made(network.MACHINES[3], "copy", {"networkInterfaces": [{"network": "default"}]}), "an interface in the"),
        ],
    ),
    Cases(
        network.firewall_administration_closed,
        passing=[
            firewall([IDENTITY_AWARE_PROXY], SSH),
            firewall(["10.0.0.0/8", "fd20::/20"], {"protocol": "all"}),
            firewall(ANYONE, {"protocol": "tcp", "ports": ["443", "23-3388"]}),
            firewall(ANYONE, {"protocol": "icmp"}),
            firewall(ANYONE, SSH, direction="EGRESS"),
            firewall(ANYONE, SSH, disabled=True),
            made(network.FIREWALL, "none", {"sourceRanges": ANYONE, "denies": [{"protocol": "all"}]}),
            firewall(None, SSH, sourceTags=["bastion"]),
            firewall(None, SSH, sourceServiceAccounts=["bastion@p.iam.gserviceaccount.com"]),
            policy_rule(ANYONE, {"ipProtocol": "all"}, action="deny"),
            made(POLICY_RULE, "in", {"action": "allow", "match": {"srcNetworkScope": "INTRA_VPC", **ANY_PROTOCOL}}),
            policy_rule(ANYONE, {"ipProtocol": "tcp", "ports": ["443"]}),
            policy(policy_rule([IDENTITY_AWARE_PROXY], ANY_PORT), policy_rule(ANYONE, ANY_PORT, action="deny")),
            firewall([f"{first}.0.0.0/8" for first in range(20)], SSH),
        ],
        failing=[
            *(
                (
                    policy(policy_rule([IDENTITY_AWARE_PROXY], ANY_PORT), policy_rule(ANYONE, ANY_PORT), of=of),
                    "reach SSH",
                )
                for of in network.POLICIES_WITH_RULES
            ),
            (firewall([f"{first}.0.0.0/8" for first in range(256)], SSH), "reach SSH (tcp, port 22)"),
            (firewall(ANYONE, SSH), "reach SSH (tcp, port 22)"),
            (firewall(["10.0.0.0/8", "::/0"], SSH), "reach SSH"),
            (firewall(None, SSH), "reach SSH"),
            (firewall([], SSH, sourceTags=[]), "reach SSH"),
            (
                made(POLICY_RULE, "in", {"action": "allow", "match": {"srcNetworkScope": "INTERNET", **ANY_PROTOCOL}}),
                "reach SSH (all protocols, port 22)",
            ),
            (firewall(["0.0.0.0/1", "128.0.0.0/1"], SSH), "reach SSH"),
            (firewall(ANYONE, {"protocol": "TCP", "ports": ["443", "3000-4000"]}), "reach RDP (tcp, port 3389)"),
            (firewall(ANYONE, {"protocol": "tcp"}), "reach SSH"),
            (firewall(ANYONE, {"protocol": "all"}), "reach SSH (all protocols, port 22)"),
            (policy_rule(ANYONE, {"ipProtocol": "6", "ports": ["20-25"]}), "reach SSH"),
        ],
    ),
    Cases(
        network.firewall_closed_to_internet,
        passing=[
            firewall(ANYONE, {"protocol": "tcp", "ports": ["443"]}, {"protocol": "udp", "ports": ["443"]}),
            firewall(ANYONE, {"protocol": "icmp"}),
            firewall(ANYONE, SSH),
            firewall(["35.191.0.0/16", "130.211.0.0/22"], {"protocol": "tcp", "ports": ["8080"]}),
            policy_rule(ANYONE, {"ipProtocol": "tcp", "ports": ["443"]}),
        ],
        failing=[
            (firewall(ANYONE, {"protocol": "tcp", "ports": ["443", "8000-8002"]}), "reach tcp, port 8000-8002"),
            (firewall(["::/0"], {"protocol": "udp", "ports": ["53"]}), "reach udp, port 53"),
            (firewall(ANYONE, {"protocol": "esp"}), "reach protocol esp."),
            (policy_rule(ANYONE, {"ipProtocol": "tcp", "ports": ["80"]}), "reach tcp, port 80"),
            (policy(policy_rule(ANYONE, {"ipProtocol": "tcp", "ports": ["80"]})), "reach tcp, port 80"),
        ],
    ),
    Cases(
        network.firewall_logged,
        passing=[
            firewall(ANYONE, logConfig={"metadata": "EXCLUDE_ALL_METADATA"}),
            firewall(ANYONE, logConfig={}),
            policy_rule(ANYONE, enableLogging=True),
            policy_rule(ANYONE, action="goto_next"),
            policy(policy_rule(ANYONE, enableLogging=True), policy_rule(ANYONE, action="goto_next")),
        ],
        failing=[
            (firewall([IDENTITY_AWARE_PROXY], SSH), "The firewall does not log."),
            (policy_rule(ANYONE), "The rule of the firewall policy does not log."),
            (policy_rule(ANYONE, enableLogging=False), "The rule of the firewall policy does not log."),
            (
                policy(policy_rule(ANYONE, enableLogging=True), policy_rule(ANYONE)),
                "The firewall policy's rule of priority 1001 does not log.",
            ),
        ],
    ),
    Cases(
        network.firewall_described,
        passing=[
            firewall(ANYONE, description="Predictions"),
            policy_rule(ANYONE, description="Predictions"),
            policy(policy_rule(ANYONE, description="Predictions")),
        ],
        failing=[
            (firewall(ANYONE), "has no description"),
            (policy_rule(ANYONE, description=""), "has no description"),
            (policy(policy_rule(ANYONE)), "The firewall policy's rule of priority 1000 has no description"),
        ],
    ),
    Cases(
        network.subnetwork_flow_logs,
        passing=[
            made(network.SUBNETWORK, "nodes", {"logConfig": {"flowSampling": 0.1}}),
            made(network.SUBNETWORK, "nodes", {"logConfig": {}, "purpose": "PRIVATE"}),
            made(network.SUBNETWORK, "proxies", {"purpose": "REGIONAL_MANAGED_PROXY"}),
            [RDMA, OF_RDMA],
        ],
        failing=[
            (made(network.SUBNETWORK, "nodes", {"ipCidrRange": "10.0.0.0/20"}), "has no flow logs"),
            (made(network.SUBNETWORK, "nodes", {"logConfig": {"flowSampling": 0}}), "sample nothing"),
            (made(network.SUBNETWORK, "nodes", {"purpose": "PRIVATE"}), "has no flow logs"),
            ([RDMA, OWN, made(network.SUBNETWORK, "nodes", refers={"network": OWN})], "has no flow logs"),
        ],
    ),
    Cases(
        network.subnetwork_private_google_access,
        passing=[
            made(network.SUBNETWORK, "nodes", {"privateIpGoogleAccess": True}),
            made(network.SUBNETWORK, "services", {"purpose": "PRIVATE_SERVICE_CONNECT"}),
            [RDMA, OF_RDMA],
        ],
        failing=[
            (made(network.SUBNETWORK, "nodes", {}), "does not have Private Google Access"),
            (
                made(network.SUBNETWORK, "nodes", {"privateIpGoogleAccess": False}),
                "does not have Private Google Access",
            ),
        ],
    ),
    Cases(
        network.nat_logged,
        passing=[made(NAT, "out", {"logConfig": {"enable": True, "filter": "ERRORS_ONLY"}})],
        failing=[
            (made(NAT, "out", {"natIpAllocateOption": "AUTO_ONLY"}), "does not log"),
            (made(NAT, "out", {"logConfig": {"enable": False, "filter": "ALL"}}), "does not log"),
        ],
    ),
    Cases(
        network.proxy_strong_tls,
        passing=[
            SSL,
            made(SSL_POLICY, "own", {"minTlsVersion": "TLS_1_3", "profile": "RESTRICTED"}),
            made(
                SSL_POLICY,
                "chosen",
                {
                    "minTlsVersion": "TLS_1_2",
                    "profile": "CUSTOM",
                    "customFeatures": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
                },
            ),
            [SSL, made(PROXY, "front", refers={"sslPolicy": SSL})],
            made(PROXY, "front", {"sslPolicy": "projects/p/global/sslPolicies/modern"}),
            [_TO_TLS, made(network.HTTP_PROXY, "front", refers={"urlMap": _TO_TLS})],
            made(network.HTTP_PROXY, "front", {"urlMap": "projects/p/global/urlMaps/elsewhere"}),
            [_PLAIN, _PLAIN_PROXY, _forwarding("INTERNAL_MANAGED")],
        ],
        failing=[
            (made(PROXY, "front", {"urlMap": "front"}), "has no SSL policy"),
            ([_PLAIN, _PLAIN_PROXY], "The proxy answers without TLS."),
            ([_PLAIN, _PLAIN_PROXY, _forwarding("EXTERNAL_MANAGED")], "The proxy answers without TLS."),
            (made(SSL_POLICY, "old", {"profile": "MODERN"}), "allows TLS_1_0"),
            (made(SSL_POLICY, "old", {"minTlsVersion": "TLS_1_1", "profile": "MODERN"}), "allows TLS_1_1"),
            (made(SSL_POLICY, "old", {"minTlsVersion": "TLS_1_2"}), "profile is COMPATIBLE"),
            (
                made(
                    SSL_POLICY,
                    "old",
                    {
                        "minTlsVersion": "TLS_1_2",
                        "profile": "CUSTOM",
                        "customFeatures": ["TLS_RSA_WITH_AES_128_GCM_SHA256"],
                    },
                ),
                "allows TLS_RSA_WITH_AES_128_GCM_SHA256",
            ),
        ],
    ),
)
