"""The network, as a security reviewer looks at it: what is public, what comes in, what goes out, what is recorded."""

import ipaddress
from typing import Any

import pytest

from infra.gcp.google_apis import VIRTUAL_ADDRESSES, VIRTUAL_RANGE, ZONES, endpoint_name
from infra.gcp.naming import Names
from infra.gcp.network import IDENTITY_AWARE_PROXY, INTERNET, SSH_TAG, Network, NetworkArguments
from infra.gcp.settings import NetworkSettings
from policies.gcp import network as rules
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.parts import NAMES, Made, made, objections, sources
from tests.infra.recorder import Registered

COMPUTE = "gcp:compute"
VPC, SUBNETWORK = f"{COMPUTE}/network:Network", f"{COMPUTE}/subnetwork:Subnetwork"
FIREWALL, ROUTE = f"{COMPUTE}/firewall:Firewall", f"{COMPUTE}/route:Route"
NAT, ROUTER = f"{COMPUTE}/routerNat:RouterNat", f"{COMPUTE}/router:Router"
ADDRESS = f"{COMPUTE}/globalAddress:GlobalAddress"
RULE = f"{COMPUTE}/globalForwardingRule:GlobalForwardingRule"
ZONE, RECORD = "gcp:dns/managedZone:ManagedZone", "gcp:dns/recordSet:RecordSet"

VARIANTS: dict[str, dict[str, Any]] = {
    "with NAT": {"nat": "single"},
    "private": {"nat": "none"},
    "with endpoint": {"nat": "single", "private_service_connect": True},
    "private with endpoint": {"nat": "none", "private_service_connect": True},
}
CIDR = "10.20.0.0/16"
NODES, PODS, SERVICES = "10.20.128.0/20", "10.20.0.0/17", "10.20.144.0/20"
ENDPOINT = "10.20.160.1"


def network(*, machine: bool = False, **settings: Any) -> Made:
    zones = (f"{REGION}-a", f"{REGION}-b")
    arguments = NetworkArguments(
        names=NAMES, settings=NetworkSettings(cidr=CIDR, zones=zones, **settings), machine=machine
    )
    return made(lambda opts: Network("network", arguments, opts))


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Made]:
    settings = VARIANTS[request.param]
    return settings, network(**settings)


@pytest.fixture
def found(variant: tuple[dict[str, Any], Made]) -> Made:
    return variant[1]


def firewalls(found: Made, direction: str, *, deny: bool = False) -> list[Registered]:
    return [
        each
        for each in found.resources.all(FIREWALL)
        if each.inputs["direction"] == direction and ("denies" in each.inputs) is deny
    ]


def ranges_out(found: Made) -> dict[str, list[Any]]:
    """Where something may go, and by which protocols and ports."""
    return {
        cidr: each.inputs["allows"] for each in firewalls(found, "EGRESS") for cidr in each.inputs["destinationRanges"]
    }


def test_there_is_one_subnet_in_the_region_with_ranges_for_pods_and_services(found: Made) -> None:
    assert found.resources.one(VPC).inputs["autoCreateSubnetworks"] is False
    assert found.resources.one(VPC).inputs["routingMode"] == "REGIONAL"
    subnet = found.resources.one(SUBNETWORK).inputs
    assert (subnet["region"], subnet["ipCidrRange"]) == (REGION, NODES)
    secondary = {each["rangeName"]: each["ipCidrRange"] for each in subnet["secondaryIpRanges"]}
    assert secondary == {"pods": PODS, "services": SERVICES}


def test_google_s_services_are_reached_without_a_public_address(found: Made) -> None:
    assert found.resources.one(SUBNETWORK).inputs["privateIpGoogleAccess"] is True


def test_who_talked_to_whom_is_recorded() -> None:
    log = network(flow_log_sampling=0.25).resources.one(SUBNETWORK).inputs["logConfig"]
    assert log == {
        "aggregationInterval": "INTERVAL_30_SEC",
        "flowSampling": 0.25,
        "metadata": "INCLUDE_ALL_METADATA",
    }


def test_whatever_is_not_let_in_or_out_is_denied_and_logged_in_full(found: Made) -> None:
    for direction, field in (("INGRESS", "sourceRanges"), ("EGRESS", "destinationRanges")):
        (deny,) = firewalls(found, direction, deny=True)
        assert deny.inputs[field] == [INTERNET]
        assert deny.inputs["denies"] == [{"protocol": "all"}]
        assert "targetTags" not in deny.inputs
        assert deny.inputs["logConfig"] == {"metadata": "INCLUDE_ALL_METADATA"}
        allowed = [each.inputs["priority"] for each in firewalls(found, direction)]
        # Those that GKE makes, and those of internal load balancers, have the priority 1000.
        assert max([1000, *allowed]) < deny.inputs["priority"] < 65535


def test_nothing_comes_in_from_outside_the_network(found: Made) -> None:
    (inside,) = firewalls(found, "INGRESS")
    assert all(
        ipaddress.IPv4Network(each).subnet_of(ipaddress.IPv4Network(CIDR)) for each in inside.inputs["sourceRanges"]
    )
    assert inside.inputs["sourceRanges"] == [NODES, PODS]


def test_only_the_machine_is_reached_by_ssh_and_by_identity_aware_proxy_alone() -> None:
    resources = network(machine=True).resources
    ssh = resources.one(FIREWALL, "network-machine-ssh").inputs
    assert ssh["sourceRanges"] == [IDENTITY_AWARE_PROXY]
    assert ssh["allows"] == [{"protocol": "tcp", "ports": ["22"]}]
    assert ssh["targetTags"] == [SSH_TAG]
    others = [each.inputs for each in resources.all(FIREWALL) if "targetTags" in each.inputs]
    assert others == [ssh]


def test_with_nat_the_way_out_is_for_nodes_and_pods_by_https() -> None:
    found = network(nat="single")
    nat = found.resources.one(NAT).inputs
    assert nat["sourceSubnetworkIpRangesToNat"] == "LIST_OF_SUBNETWORKS"
    (subnet,) = nat["subnetworks"]
    assert subnet["sourceIpRangesToNats"] == ["PRIMARY_IP_RANGE", "LIST_OF_SECONDARY_IP_RANGES"]
    assert subnet["secondaryIpRangeNames"] == ["pods"]
    assert subnet["name"].endswith("/subnetworks/trainyard-gcp-dev-nodes")
    assert nat["router"] == found.resources.one(ROUTER).inputs["name"]
    assert nat["logConfig"] == {"enable": True, "filter": "ERRORS_ONLY"}
    assert found.resources.one(ROUTE).inputs["destRange"] == INTERNET
    assert ranges_out(found)[INTERNET] == [{"protocol": "tcp", "ports": ["443"]}]


def test_ports_of_nat_are_of_the_form_that_it_takes() -> None:
    """Source: Cloud NAT, "Ports": powers of two, and not with endpoint-independent mapping."""
    nat = network(nat="single").resources.one(NAT).inputs
    assert nat["enableDynamicPortAllocation"] is True
    assert nat["enableEndpointIndependentMapping"] is False
    least, most = int(nat["minPortsPerVm"]), int(nat["maxPortsPerVm"])
    assert 32 <= least < most <= 65536
    assert not [ports for ports in (least, most) if ports & (ports - 1)]


@pytest.mark.parametrize("endpoint", [False, True])
def test_a_private_network_has_no_way_out_at_all(endpoint: bool) -> None:
    found = network(nat="none", private_service_connect=endpoint)
    assert found.resources.one(VPC).inputs["deleteDefaultRoutesOnCreate"] is True
    assert found.resources.all(NAT) == found.resources.all(ROUTER) == []
    assert INTERNET not in ranges_out(found)
    assert INTERNET not in [each.inputs["destRange"] for each in found.resources.all(ROUTE)]


def test_a_private_network_reaches_google_by_its_private_addresses() -> None:
    found = network(nat="none")
    route = found.resources.one(ROUTE).inputs
    assert (route["destRange"], route["nextHopGateway"]) == (VIRTUAL_RANGE, "default-internet-gateway")
    assert ranges_out(found)[VIRTUAL_RANGE] == [{"protocol": "tcp", "ports": ["443"]}]
    assert {ipaddress.IPv4Address(each) for each in VIRTUAL_ADDRESSES} == set(ipaddress.IPv4Network(VIRTUAL_RANGE))
    assert found.resources.all(ADDRESS) == found.resources.all(RULE) == []


@pytest.mark.parametrize("nat", ["none", "single"])
def test_by_private_service_connect_google_has_an_address_of_the_network(nat: str) -> None:
    found = network(nat=nat, private_service_connect=True)
    address = found.resources.one(ADDRESS).inputs
    assert (address["addressType"], address["purpose"]) == ("INTERNAL", "PRIVATE_SERVICE_CONNECT")
    assert address["address"] == ENDPOINT
    rule = found.resources.one(RULE).inputs
    assert (rule["target"], rule["loadBalancingScheme"]) == ("all-apis", "")
    assert rule["ipAddress"].endswith("/addresses/trainyard-gcp-dev-google-apis")
    assert rule["serviceDirectoryRegistrations"] == {"serviceDirectoryRegion": REGION}
    assert ranges_out(found)[f"{ENDPOINT}/32"] == [{"protocol": "tcp", "ports": ["443"]}]
    assert VIRTUAL_RANGE not in ranges_out(found)


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        ({"nat": "none"}, list(VIRTUAL_ADDRESSES)),
        ({"nat": "none", "private_service_connect": True}, [ENDPOINT]),
        ({"nat": "single", "private_service_connect": True}, [ENDPOINT]),
    ],
)
def test_names_of_google_s_services_lead_there(settings: dict[str, Any], addresses: list[str]) -> None:
    resources = network(**settings).resources
    zones = resources.all(ZONE)
    assert {each.inputs["dnsName"] for each in zones} == {"googleapis.com.", "pkg.dev.", "gcr.io.", "gke.goog."}
    for zone in zones:
        assert zone.inputs["visibility"] == "private"
        (seen_by,) = zone.inputs["privateVisibilityConfig"]["networks"]
        assert seen_by["networkUrl"].endswith("/networks/trainyard-gcp-dev")
        domain = zone.inputs["dnsName"]
        records = {
            each.inputs["name"]: (each.inputs["type"], each.inputs["rrdatas"])
            for each in resources.all(RECORD)
            if each.inputs["managedZone"] == zone.inputs["name"]
        }
        assert records == {domain: ("A", addresses), f"*.{domain}": ("CNAME", [domain])}
    assert len(zones) == len(ZONES)


def test_with_nat_alone_names_lead_where_they_do_for_everybody() -> None:
    assert network(nat="single").resources.all(ZONE) == []


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
def test_whoever_is_started_in_the_subnet_waits_for_its_ways_out(settings: dict[str, Any]) -> None:
    arguments = NetworkArguments(names=NAMES, settings=NetworkSettings(cidr=CIDR, **settings), machine=True)
    awaited = sources(lambda opts: Network("network", arguments, opts).subnetwork_id)
    resources = made(lambda opts: Network("network", arguments, opts)).resources
    ways = {(type_, each.name) for type_ in (FIREWALL, ROUTE, NAT, RULE, RECORD) for each in resources.all(type_)}
    assert awaited == {(SUBNETWORK, "network-nodes")} | ways


def test_ranges_are_told_to_those_who_need_them() -> None:
    told: list[Network] = []
    arguments = NetworkArguments(names=NAMES, settings=NetworkSettings(cidr=CIDR))
    made(lambda opts: told.append(Network("network", arguments, opts)))
    (component,) = told
    assert (component.cidr, component.nodes_cidr, component.pods_cidr) == (CIDR, NODES, PODS)
    assert (component.services_cidr, component.pods_range, component.services_range) == (SERVICES, "pods", "services")


def test_everything_is_of_the_stack_s_project_and_described(found: Made) -> None:
    for each in found.resources.registered:
        if each.type.startswith("gcp:"):
            assert each.inputs["project"] == PROJECT, each.name
    for type_ in (VPC, SUBNETWORK, FIREWALL, ROUTE, ROUTER, ZONE, ADDRESS):
        assert all(each.inputs["description"] for each in found.resources.all(type_))


@pytest.mark.parametrize("machine", [False, True])
def test_the_policy_pack_lets_it_pass(variant: tuple[dict[str, Any], Made], machine: bool) -> None:
    settings, _ = variant
    assert objections(rules.RULES, network(machine=machine, **settings)) == []


def test_an_endpoint_s_name_is_one_that_google_takes_and_another_for_each_stack() -> None:
    """Source: VPC, "Access Google APIs through endpoints": 1 to 20 of a-z and 0-9, a letter first."""
    stacks = [Names("trainyard", stack, PROJECT, NUMBER, REGION) for stack in ("gcp-dev", "gcp-prod", "a" * 90)]
    told = [endpoint_name(names) for names in stacks]
    assert len(set(told)) == len(stacks)
    assert all(len(name) <= 20 and name.isalnum() and name.islower() and name[0].isalpha() for name in told)
