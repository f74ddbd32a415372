"""The table of zones that have a machine type: well formed, and in agreement with the table of types."""

import csv
from pathlib import Path

from infra.gcp import machine_types, machine_zones
from infra.gcp.setting_values import REGIONS

TABLE = Path(machine_zones.__file__).with_name("machine_zones.csv")
KNOWN = {zone for region in REGIONS for zone in machine_zones.zones_of_region(region)}


def rows() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_row_names_zones_that_there_are_and_a_source() -> None:
    assert len({row["name"] for row in rows()}) == len(rows())
    for row in rows():
        assert row["source"], row["name"]
        assert row["as_of"] >= "2026", row["name"]
        written = row["zones"].split()
        regions = [part.partition(":")[0] for part in written]
        assert regions == sorted(set(regions)), row["name"]
        for part in written:
            region, _, letters = part.partition(":")
            assert {f"{region}-{letter}" for letter in letters} <= KNOWN, (row["name"], part)
            assert list(letters) == sorted(set(letters)), (row["name"], part)


def test_every_type_is_somewhere_and_every_row_is_of_a_type_or_a_gpu_to_attach() -> None:
    names = [*machine_types.with_gpu(), *machine_types.without_gpu()]
    for name in names:
        assert machine_zones.zones_of(name), name
    for row in rows():
        prefix = f"{row['name']}-"
        assert row["name"] in machine_types.ATTACHABLE or any(f"{name}-".startswith(prefix) for name in names), row


def test_every_gpu_that_can_be_attached_is_somewhere() -> None:
    for accelerator in machine_types.ATTACHABLE:
        assert machine_zones.zones_of("n1-standard-4", accelerator), accelerator
    assert machine_zones.zones_of("n1-standard-4", "nvidia-tesla-p100") == frozenset()


def test_the_longest_name_that_fits_counts() -> None:
    assert machine_zones.is_offered("europe-west8-c", "a3-highgpu-1g")
    assert not machine_zones.is_offered("europe-west8-c", "a3-highgpu-8g")
    assert machine_zones.zones_of("n2d-standard-4") != machine_zones.zones_of("n1-standard-4")


def test_a_few_facts_that_a_reader_can_check() -> None:
    assert machine_zones.zones_of_region("europe-west1") == ("europe-west1-b", "europe-west1-c", "europe-west1-d")
    assert machine_zones.zones_of_region("us-central1")[-1] == "us-central1-f"
    assert machine_zones.is_offered("europe-west4-a", "g2-standard-4")
    assert not machine_zones.is_offered("europe-west1-d", "g2-standard-4")
    assert not machine_zones.is_offered("europe-west4-a", "n1-standard-8", "nvidia-tesla-p4")
    assert machine_zones.zones_of("g9-huge-4") == frozenset()


def test_local_ssds_beside_an_attached_gpu_are_not_everywhere() -> None:
    assert machine_zones.has_local_ssds("us-central1-c", "nvidia-tesla-p4")
    assert not machine_zones.has_local_ssds("us-central1-a", "nvidia-tesla-p4")
    assert not machine_zones.has_local_ssds("us-east1-c", "nvidia-tesla-v100")
    assert machine_zones.has_local_ssds("us-east1-c", "nvidia-tesla-t4")
