"""What nodes, machines and disks of Google Cloud cost, with round prices."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.cost.inputs import UNKNOWN
from planning.cost.usage import Usage
from tests.planning.cost.google_plans import REGION, google_book, google_cost, machine, node_pool
from tests.planning.cost.small_plans import NO_USE, resource

HOURS = 730
BUSY = Usage(**{**NO_USE.as_dict(), "gpu_nodes_busy_share": 0.5, "other_nodes_busy_share": 0.25})


def test_the_fewest_nodes_cost_all_month_and_the_others_a_share_of_it() -> None:
    cost = google_cost(node_pool(least=1, most=3), usage=BUSY)
    assert cost.fixed_usd_per_month == pytest.approx(HOURS * (2 + 0.1))
    assert cost.usage_usd_per_month == pytest.approx(2 * HOURS * 0.5 * (2 + 0.1))
    assert (cost.idle_usd_per_hour, cost.full_usd_per_hour) == (pytest.approx(2.1), pytest.approx(3 * 2.1))
    assert {line.assumption for line in cost.of_kind("usage")} == {"gpu_nodes_busy_share = 0.5"}
    assert cost.complete


@pytest.mark.parametrize(
    ("inputs", "nodes"),
    [
        ({"autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 5}}, 5),
        ({"autoscaling": {"minNodeCount": 0, "maxNodeCount": 5}}, 10),
        ({"autoscaling": {"minNodeCount": 0, "maxNodeCount": 5}, "nodeLocations": [f"{REGION}-a"]}, 5),
        ({"autoscaling": {"maxNodeCount": 5}, "nodeLocations": None}, 15),
        ({"autoscaling": {"maxNodeCount": 5}, "nodeLocations": None, "location": f"{REGION}-a"}, 5),
        ({"autoscaling": None, "nodeCount": 2}, 4),
        ({"autoscaling": None, "initialNodeCount": 3}, 6),
    ],
)
def test_nodes_are_counted_over_all_zones(inputs: dict[str, Any], nodes: int) -> None:
    cost = google_cost(node_pool(**inputs))
    assert cost.full_usd_per_hour == pytest.approx(nodes * 2.1)


def test_a_pool_without_nodes_costs_nothing() -> None:
    cost = google_cost(node_pool(most=0))
    assert (cost.usd_per_month, [line.kind for line in cost.lines]) == (0, ["free"])


@pytest.mark.parametrize(
    ("node", "usd", "called"),
    [
        ({}, 2, "g2-small, on demand"),
        ({"spot": True}, 1, "g2-small, spot"),
        ({"preemptible": True}, 1, "g2-small, spot"),
        ({"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}}, 2, "g2-small, reserved"),
        # Flex-start has a price of its own where there is a discount for it, and else that of on demand.
        ({"flexStart": True}, 2, "g2-small, flex start"),
        ({"machineType": "a3-large", "flexStart": True}, 8, "a3-large, flex start"),
        ({"machineType": None}, 0.1, "e2-medium, on demand"),
    ],
)
def test_how_a_node_is_bought_decides_its_price(node: dict[str, Any], usd: float, called: str) -> None:
    cost = google_cost(node_pool(least=1, most=1, node=node))
    assert cost.idle_usd_per_hour == pytest.approx(usd + 0.1)
    assert f"1 x {called}" in [line.what for line in cost.lines]
    assert cost.complete


def test_a_reservation_says_that_it_is_paid_unused_as_well() -> None:
    [line, _] = google_cost(
        node_pool(least=1, most=1, node={"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}})
    ).lines
    assert "used or not" in line.note


@pytest.mark.parametrize(
    ("kind", "spot", "usd"),
    [("nvidia-tesla-t4", False, 3), ("nvidia-tesla-t4", True, 5), ("nvidia-tesla-v100", False, 1)],
)
def test_gpus_that_are_attached_cost_by_themselves(kind: str, spot: bool, usd: float) -> None:
    book = google_book(accelerator_t4_hour=3.0, accelerator_t4_spot_hour=5.0)
    node = {"machineType": "n1-plain", "guestAccelerators": [{"type": kind, "count": 2}], "spot": spot}
    cost = google_cost(node_pool(least=1, most=1, node=node), book=book)
    assert cost.idle_usd_per_hour == pytest.approx((0.25 if spot else 0.5) + 2 * usd + 0.1)
    assert [run.usd for run in cost.runs] == [pytest.approx(8 * cost.idle_usd_per_hour)], "it has GPUs"


@pytest.mark.parametrize(
    "accelerators",
    [
        UNKNOWN,
        [{"type": "nvidia-tesla-k80", "count": 1}],
        [{"type": "nvidia-tesla-t4", "count": UNKNOWN}],
        [{"type": UNKNOWN, "count": 1}],
    ],
)
def test_attached_gpus_without_a_price_are_unknown(accelerators: Any) -> None:
    cost = google_cost(node_pool(least=1, most=1, node={"machineType": "n1-plain", "guestAccelerators": accelerators}))
    assert len(cost.of_kind("unknown")) == 1
    assert cost.idle_usd_per_hour == pytest.approx(0.6)


def test_gpus_that_a_type_has_are_in_its_price() -> None:
    node = {"guestAccelerators": [{"type": "nvidia-l4", "count": 1}]}
    assert google_cost(node_pool(least=1, most=1, node=node)).idle_usd_per_hour == pytest.approx(2.1)


@pytest.mark.parametrize(
    ("node", "usd"),
    [
        ({"ephemeralStorageLocalSsdConfig": {"localSsdCount": 2}}, 2 * 375 / HOURS),
        ({"localNvmeSsdBlockConfig": {"localSsdCount": 1}}, 375 / HOURS),
        ({"localSsdCount": 1}, 375 / HOURS),
        # Those that come with a type are in its price.
        ({"machineType": "a3-large", "ephemeralStorageLocalSsdConfig": {"localSsdCount": 16}}, 14),
    ],
)
def test_local_ssds_that_were_chosen_cost_by_themselves(node: dict[str, Any], usd: float) -> None:
    cost = google_cost(node_pool(least=1, most=1, node=node))
    assert cost.idle_usd_per_hour == pytest.approx(2.1 + usd)


def test_local_ssds_of_spot_machines_have_their_own_price_and_those_of_new_families_none() -> None:
    node = {"ephemeralStorageLocalSsdConfig": {"localSsdCount": 1}}
    book = google_book(local_ssd_spot_gib_month=2.0)
    spot = google_cost(node_pool(least=1, most=1, node=node | {"spot": True}), book=book)
    assert spot.idle_usd_per_hour == pytest.approx(1.1 + 2 * 375 / HOURS)
    [line] = google_cost(node_pool(least=1, most=1, node=node | {"machineType": "c4-plain"})).of_kind("unknown")
    assert "this family of machines have no price" in line.note


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (UNKNOWN, "what they are is not in the plan"),
        ({"localSsdCount": UNKNOWN}, "how many there are is not in the plan"),
        ({"machineType": UNKNOWN}, "its instance type is not known before it exists"),
        ({"machineType": "n1-unpriced"}, "the price book has no price of n1-unpriced, on demand"),
        ({"machineType": "a3-large", "spot": True}, "the price book has no price of a3-large, spot"),
        ({"spot": UNKNOWN}, "capacity of its kind has no price, or is not in the plan"),
        ({"diskSizeGb": UNKNOWN}, "its size is not in the plan"),
        ({"diskType": "pd-extreme"}, "disks of type pd-extreme have no price"),
    ],
)
def test_what_is_not_known_of_a_node_is_unknown(node: Any, said: str) -> None:
    cost = google_cost(node_pool(least=1, most=1, node=node))
    assert any(said in line.note for line in cost.of_kind("unknown"))
    assert not cost.complete


@pytest.mark.parametrize("inputs", [{"autoscaling": UNKNOWN}, {"autoscaling": {"totalMaxNodeCount": UNKNOWN}}])
def test_how_many_nodes_there_are_is_unknown_where_nothing_tells(inputs: dict[str, Any]) -> None:
    [line] = google_cost(node_pool(**inputs)).of_kind("unknown")
    assert line.note == "how many nodes there are is not in the plan"


def test_nodes_with_public_addresses_pay_for_them() -> None:
    cost = google_cost(node_pool(least=1, most=1, networkConfig={"enablePrivateNodes": False}))
    assert cost.idle_usd_per_hour == pytest.approx(3.1)


def test_a_run_takes_the_nodes_that_the_pool_has() -> None:
    usage = Usage(run_hours=10, run_nodes=4)
    [run] = google_cost(node_pool(most=2, node={"labels": {"trainyard.dev/pool": "training"}}), usage=usage).runs
    assert (run.pool, run.nodes, run.usd) == ("training", 2, pytest.approx(10 * 2 * 2.1))
    assert google_cost(node_pool(node={"machineType": "e2-medium"})).runs == ()
    [run] = google_cost(node_pool(node={"machineType": "a3-large", "spot": True})).runs
    assert run.usd is None


@pytest.mark.parametrize(
    ("inputs", "usd"),
    [
        ({}, 2.1),
        ({"desiredStatus": "RUNNING"}, 2.1),
        ({"scheduling": {"provisioningModel": "SPOT"}}, 1.1),
        ({"scheduling": {"preemptible": True}}, 1.1),
        ({"machineType": "n1-plain", "guestAccelerators": [{"type": "nvidia-tesla-t4", "count": 1}]}, 1.6),
        ({"machineType": "projects/p/zones/z/machineTypes/g2-small"}, 2.1),
        ({"scratchDisks": [{"interface": "NVME"}] * 2}, 2.1 + 2 * 375 / HOURS),
        ({"networkInterfaces": [{"accessConfigs": [{}]}]}, 3.1),
        ({"bootDisk": {"source": "disks/own"}}, 2),
        ({"reservationAffinity": {"type": "SPECIFIC_RESERVATION"}}, 2.1),
    ],
)
def test_a_machine_costs_all_month(inputs: dict[str, Any], usd: float) -> None:
    cost = google_cost(machine(**inputs))
    assert cost.idle_usd_per_hour == cost.full_usd_per_hour == pytest.approx(usd)
    assert cost.complete
    assert [run.nodes for run in cost.runs] == [1]


def test_a_stopped_machine_keeps_its_disk() -> None:
    cost = google_cost(machine(desiredStatus="TERMINATED", scratchDisks=[{"interface": "NVME"}]))
    assert cost.idle_usd_per_hour == pytest.approx(0.1)
    assert cost.full_usd_per_hour == pytest.approx(2.1 + 375 / HOURS)
    assert cost.usd_per_month == pytest.approx(73)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"scheduling": {"provisioningModel": UNKNOWN}}, "capacity of its kind"),
        ({"scheduling": UNKNOWN}, "capacity of its kind"),
        ({"scratchDisks": UNKNOWN}, "how many there are"),
        ({"bootDisk": {}}, "its size is not in the plan"),
        ({"networkInterfaces": UNKNOWN}, "whether there is one is not in the plan"),
        ({"machineType": None}, "its instance type is not known"),
    ],
)
def test_what_is_not_known_of_a_machine_is_unknown(inputs: dict[str, Any], said: str) -> None:
    [line] = google_cost(machine(**inputs)).of_kind("unknown")
    assert said in line.note


@pytest.mark.parametrize(
    ("inputs", "usd"),
    [
        ({"type": "pd-balanced", "size": 100}, 100),
        ({"type": "zones/z/diskTypes/pd-ssd", "size": 100}, 200),
        ({"size": 100}, 300),
        ({"type": "hyperdisk-balanced", "size": 100}, 400),
        ({"type": "hyperdisk-balanced", "size": 100, "provisionedIops": 3500, "provisionedThroughput": 150}, 910),
        ({"type": "hyperdisk-balanced", "size": 100, "provisionedIops": 3000, "provisionedThroughput": 140}, 400),
    ],
)
def test_disks_cost_by_their_kind(inputs: dict[str, Any], usd: float) -> None:
    book = google_book(
        block_storage_ssd_gib_month=2.0, block_storage_standard_gib_month=3.0, block_storage_hyperdisk_gib_month=4.0
    )
    assert google_cost(resource("gcp:compute/disk:Disk", **inputs), book=book).usd_per_month == pytest.approx(usd)


def test_a_disk_in_two_zones_costs_twice() -> None:
    both = google_cost(resource("gcp:compute/regionDisk:RegionDisk", type="pd-balanced", size=100))
    assert both.usd_per_month == pytest.approx(200)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_inputs = st.sampled_from(
    (
        *("autoscaling", "nodeConfig", "nodeLocations", "location", "nodeCount", "networkConfig", "machineType"),
        *("guestAccelerators", "scratchDisks", "scheduling", "networkInterfaces", "desiredStatus", "zone", "bootDisk"),
    )
)


@given(_inputs, _json)
def test_whatever_an_input_is_it_is_priced_or_unknown(name: str, value: Any) -> None:
    for state in (node_pool(), machine()):
        state["inputs"][name] = value
        assert google_cost(state).usd_per_month >= 0


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3), st.integers(0, 4))
def test_more_nodes_never_cost_less(least: int, more: int, zones: int, ssds: int) -> None:
    def total(extra: int) -> float:
        places = [f"{REGION}-{letter}" for letter in "abc"[:zones]]
        pool = node_pool(
            autoscaling={"minNodeCount": least, "maxNodeCount": least + more + extra},
            nodeLocations=places,
            node={"ephemeralStorageLocalSsdConfig": {"localSsdCount": ssds}},
        )
        return google_cost(pool, usage=BUSY).usd_per_month

    assert total(1) >= total(0)
