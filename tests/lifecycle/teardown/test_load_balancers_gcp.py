"""Which load balancers on Google Cloud are taken for a stack's: its own to the last part, and nothing of others."""

from pathlib import Path

import pytest

from lifecycle.teardown.audit import AuditReport, audit
from tests.lifecycle.teardown.google_leaks import IN_REGION, IN_ZONE, node_group
from tests.lifecycle.teardown.google_stand_in import PROJECT, REGION, ZONE, GoogleStandIn
from tests.lifecycle.teardown.test_audit_gcp import make_subject
from tests.lifecycle.teardown.test_finders_gcp import NODE, OTHERS

COMPUTE = "https://www.googleapis.com/compute/v1"
ELSEWHERE = f"{COMPUTE}/projects/elsewhere/global/backendServices/theirs"


class Company:
    """A load balancer of several applications: one of them is the stack's, and another one is not."""

    def __init__(self, google: GoogleStandIn) -> None:
        self.google = google
        self.network = google.compute("global", "networks", "trainyard-dev")
        self.others_network = google.compute("global", "networks", "shop")
        self.own = google.compute(IN_ZONE, "networkEndpointGroups", "own", network=self.network)
        self.theirs = google.compute(IN_ZONE, "networkEndpointGroups", "theirs", network=self.others_network)

    def service(self, name: str, *groups: str) -> str:
        """A backend service that sends to groups."""
        backends = [{"group": group} for group in groups]
        return self.google.compute("global", "backendServices", name, backends=backends)

    def open(self, default: str, *services: str) -> None:
        """A map that sends everything to one service but a path for each of the others, with what is before it."""
        rules = [{"paths": [f"/{number}/*"], "service": service} for number, service in enumerate(services)]
        matchers = [{"name": "all", "defaultService": default, "pathRules": rules}]
        urls = self.google.compute("global", "urlMaps", "company", defaultService=default, pathMatchers=matchers)
        proxy = self.google.compute("global", "targetHttpsProxies", "company", urlMap=urls)
        self.google.compute("global", "forwardingRules", "company-443", target=proxy)


@pytest.fixture
def company(google: GoogleStandIn) -> Company:
    """A project with a network of the stack and one of others, and no load balancer yet."""
    return Company(google)


def test_of_a_shared_load_balancer_only_what_serves_the_stack_alone_is_named(company: Company, tmp_path: Path) -> None:
    company.open(company.service("shop-api", company.theirs), company.service("ml-api", company.own))
    assert parts(company, tmp_path) == {
        ("backend service", "ml-api"): (
            "it sends to own; company sends to it and is not the stack's: take it out there first"
        ),
    }


def test_what_hangs_on_a_shared_load_balancer_and_sends_nowhere_is_not_named(company: Company, tmp_path: Path) -> None:
    services = [company.service(name, *groups) for name, *groups in (("shop-api", company.theirs), ("empty",))]
    company.open(services[1], services[0], company.service("ml-api", company.own))
    assert parts(company, tmp_path).keys() == {("backend service", "ml-api")}


@pytest.mark.parametrize("others", [ELSEWHERE, f"{COMPUTE}/projects/{PROJECT}/global/backendBuckets/site"])
def test_a_map_that_sends_to_a_bucket_or_another_project_is_shared(
    company: Company, tmp_path: Path, others: str
) -> None:
    company.open(others, company.service("ml-api", company.own))
    assert parts(company, tmp_path).keys() == {("backend service", "ml-api")}


def test_a_service_that_sends_to_others_as_well_is_not_named(company: Company, tmp_path: Path) -> None:
    company.service("both", company.own, company.theirs)
    assert parts(company, tmp_path) == {}
    (group,) = (each for each in look(tmp_path).leftovers if each.kind == "network endpoint group")
    assert group.why.endswith("; both sends to it and is not the stack's: take it out there first")


def test_a_load_balancer_that_is_not_shared_is_named_whole(company: Company, tmp_path: Path) -> None:
    managed = company.google.compute(IN_ZONE, "instanceGroups", "nodes", network=company.network)
    company.google.compute(IN_ZONE, "instanceGroupManagers", "nodes", instanceGroup=managed)
    services = [company.service("api", company.own), company.service("of-nodes", managed), company.service("empty")]
    company.open(*services)
    assert parts(company, tmp_path) == {
        ("forwarding rule", "company-443"): "it sends to company",
        ("target proxy", "company"): "it sends to company",
        ("URL map", "company"): "it sends to of-nodes",
        ("backend service", "api"): "it sends to own",
        ("backend service", "of-nodes"): "it sends to nodes",
        ("backend service", "empty"): "company sends to it",
    }


def test_a_part_of_another_stack_s_load_balancer_is_not_claimed(google: GoogleStandIn, tmp_path: Path) -> None:
    network = google.compute("global", "networks", "trainyard-dev")
    check = google.compute("global", "healthChecks", "shared")
    own = google.compute(IN_REGION, "backendServices", "own", network=network, healthChecks=[check])
    google.compute(IN_REGION, "backendServices", "theirs", healthChecks=[check])
    google.compute(IN_REGION, "forwardingRules", "theirs", labels=OTHERS, backendService=own)
    google.compute(IN_REGION, "forwardingRules", "nobody-s", backendService=own)
    found = {(each.kind, each.id): each.why for each in look(tmp_path).leftovers}
    assert found == {
        ("network", "trainyard-dev"): "its name",
        ("backend service", "own"): (
            "it is in the stack's network trainyard-dev; theirs sends to it and is not the stack's: take it out there "
            "first"
        ),
        ("forwarding rule", "nobody-s"): "it sends to own",
    }


def test_what_a_rule_of_the_stack_sends_to_is_the_stack_s(google: GoogleStandIn, tmp_path: Path) -> None:
    network = google.compute("global", "networks", "trainyard-dev")
    backend = google.compute(IN_REGION, "backendServices", "orphan")
    urls = google.compute(IN_REGION, "urlMaps", "orphan", defaultService=backend)
    proxy = google.compute(IN_REGION, "targetHttpsProxies", "orphan", urlMap=urls)
    google.compute(IN_REGION, "forwardingRules", "inside", network=network, target=proxy)
    found = {each.kind: each.why for each in look(tmp_path).leftovers}
    assert found["target proxy"] == "inside sends to it"
    assert found["URL map"] == found["backend service"] == "orphan sends to it"


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ("gke-trainyard-dev-system-1a2b3c4-01234567-a1b2", True),
        # Names that have more than 32 characters together are cut.
        ("gke-trainyard-dev-gpu-training-1a2b3c-01234567-a1b2", True),
        ("gke-trainyard-dev-gpu-training-1a2b3c4-01234567-a1b2", False),
        ("gke-trainyard-dev-default-pool-01234567-a1b2", True),
        ("gke-trainyard-dev-system-01234567-a1b2", False),
        ("gke-trainyard-dev-2-system-1a2b3c4-01234567-a1b2", False),
        ("gke-trainyard-dev-gpu-other-1a2b3c4-01234567-a1b2", False),
    ],
)
def test_a_pool_of_targets_is_known_by_nodes_that_are_gone(
    google: GoogleStandIn, tmp_path: Path, node: str, named: bool
) -> None:
    google.compute(IN_REGION, "targetPools", "a0123", instances=[machine(node)])
    assert [each.id for each in look(tmp_path).leftovers] == (["a0123"] if named else [])


def test_a_node_that_is_gone_in_another_region_is_of_another_cluster(google: GoogleStandIn, tmp_path: Path) -> None:
    gone = machine("gke-trainyard-dev-system-1a2b3c4-01234567-a1b2", zone="us-central1-a")
    google.compute("regions/us-central1", "targetPools", "a0123", instances=[gone])
    assert look(tmp_path).is_clean


def test_a_pool_of_targets_that_names_a_machine_of_others_is_theirs(google: GoogleStandIn, tmp_path: Path) -> None:
    theirs = google.compute(IN_ZONE, "instances", "theirs", status="RUNNING", labels=OTHERS)
    gone = machine("gke-trainyard-dev-system-1a2b3c4-01234567-a1b2")
    google.compute(IN_REGION, "targetPools", "a0123", instances=[gone, theirs])
    assert look(tmp_path).is_clean


def test_a_pool_of_targets_that_names_a_machine_of_the_stack_is_the_stack_s(
    google: GoogleStandIn, tmp_path: Path
) -> None:
    network = google.compute("global", "networks", "trainyard-dev")
    for name, fields in {"labelled": {"labels": NODE}, "inside": {"networkInterfaces": [{"network": network}]}}.items():
        node = google.compute(IN_ZONE, "instances", name, status="RUNNING", **fields)
        google.compute(IN_REGION, "targetPools", f"of-{name}", instances=[node])
    pools = {each.id: each.why for each in look(tmp_path).leftovers if each.kind == "target pool"}
    assert pools == {"of-labelled": "it sends to labelled", "of-inside": "it sends to inside"}


CUT = f"{node_group('trainyard-gcp-dev', 'gpu-training-1a2b3c4', '01234567')}-a1b2"
"""A node of a cluster whose name is cut."""


def test_a_node_whose_cluster_s_name_is_cut_is_known(google: GoogleStandIn, tmp_path: Path) -> None:
    assert CUT == "gke-trainyard-gcp-de-gpu-training-1a2-01234567-a1b2"
    google.compute(IN_REGION, "targetPools", "a0123", instances=[machine(CUT)])
    (pool,) = look(tmp_path, "gcp-dev").leftovers
    assert pool.why == (
        f"it sends to {CUT}, which is gone, and of whose cluster's name GKE has kept trainyard-gcp-de only"
    )


@pytest.mark.parametrize(
    ("other", "location", "named"),
    [
        ("trainyard-gcp-demo", ZONE, False),
        ("trainyard-gcp-de", REGION, False),
        ("trainyard-gcp-demo", "us-central1", True),
        ("trainyard-gcp-prod", ZONE, True),
    ],
)
def test_a_node_whose_name_may_be_of_another_cluster_that_is_there_is_not_claimed(
    google: GoogleStandIn, tmp_path: Path, other: str, location: str, named: bool
) -> None:
    path = f"projects/{PROJECT}/locations/{location}/clusters/{other}"
    google.put("container", path, name=other, location=location, status="RUNNING")
    google.compute(IN_REGION, "targetPools", "a0123", instances=[machine(CUT)])
    assert [each.id for each in look(tmp_path, "gcp-dev").leftovers] == (["a0123"] if named else [])


def machine(name: str, zone: str = ZONE) -> str:
    """The link to a machine, which need not be there."""
    return f"{COMPUTE}/projects/{PROJECT}/zones/{zone}/instances/{name}"


def parts(company: Company, folder: Path) -> dict[tuple[str, str], str]:
    """What of load balancers is left, without what every project of a company has here, and why."""
    others = ("network", "network endpoint group", "managed instance group")
    return {(each.kind, each.id): each.why for each in look(folder).leftovers if each.kind not in others}


def look(folder: Path, stack: str = "dev") -> AuditReport:
    """The audit of the stack."""
    report = audit(make_subject(folder, stack))
    assert report.problems == ()
    return report


def test_a_group_without_a_machine_hides_no_load_balancer(company: Company, tmp_path: Path) -> None:
    """GKE makes a group in each zone, and names no network; one that has no node yet tells nothing."""
    nodes = company.google.compute(IN_ZONE, "instanceGroups", "k8s-ig--x", network=company.network)
    empty = company.google.compute(f"zones/{REGION}-b", "instanceGroups", "k8s-ig--x")
    company.open(company.service("api", nodes, empty))
    assert ("backend service", "api") in parts(company, tmp_path)
    assert ("forwarding rule", "company-443") in parts(company, tmp_path)


def test_what_only_a_common_service_joins_is_not_of_others(company: Company, tmp_path: Path) -> None:
    common = company.service("common")
    company.open(company.service("shop-api", company.theirs), common)
    own = company.service("ml-api", company.own)
    company.google.compute(
        "global", "urlMaps", "own", defaultService=own, pathMatchers=[{"name": "none", "defaultService": common}]
    )
    assert parts(company, tmp_path).keys() == {("backend service", "ml-api"), ("URL map", "own")}
