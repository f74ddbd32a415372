"""Files that describe storage: what they mean, and every mistake at once."""

import math

import pytest

from planning.data.document import read_storage
from planning.data.locality import Worker
from planning.data.nodes import StorageNode
from planning.errors import PlanningError


def test_a_document_is_read_whole() -> None:
    found = read_storage(
        {
            "shards": ["x", "y"],
            "shard_gb": [0.5, 2],
            "nodes": [
                {"name": "a", "weight": 2, "domain": "zone-1", "capacity": 4, "availability": 0.99},
                {"name": "b"},
            ],
            "domains": {"zone-1": 0.999},
            "workers": [{"name": "w", "domain": "zone-1"}],
        },
        "file.yaml",
    )
    assert found.shards == ("x", "y")
    assert found.shard_bytes == (5e8, 2e9)
    assert found.nodes == (
        StorageNode(name="a", weight=2, domain="zone-1", capacity=4, availability=0.99),
        StorageNode(name="b"),
    )
    assert found.domains.of(("zone-1", "")) == 0.999
    assert found.workers == (Worker(name="w", domain="zone-1"),)


def test_a_number_of_shards_names_them_by_number() -> None:
    found = read_storage({"shards": 3, "nodes": [{"name": "a"}]}, "file.yaml")
    assert found.shards == ("0", "1", "2")
    assert found.shard_bytes == (1e9, 1e9, 1e9)


def test_every_mistake_is_named_with_the_file() -> None:
    document = {
        "shards": True,
        "shard_gb": -1,
        "nodes": [{"name": "a", "wieght": 2}, "b", {"domain": "z"}, {"name": 7}],
        "domains": {"z": math.nan},
        "workers": [{"name": "w"}],
        "colour": "red",
    }
    with pytest.raises(PlanningError) as error:
        read_storage(document, "file.yaml")
    lines = str(error.value).splitlines()
    assert all(line.startswith("file.yaml: ") for line in lines)
    assert [line.removeprefix("file.yaml: ").split(":")[0].split(" =")[0] for line in lines] == [
        "colour", "shards", "shard_gb", "nodes", "nodes", "nodes", "nodes.name", "workers", "domains.z",
    ]  # fmt: skip


@pytest.mark.parametrize("document", [None, [], "shards", 7])
def test_what_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(PlanningError, match=r"file\.yaml: must hold a mapping"):
        read_storage(document, "file.yaml")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"nodes": {"a": 1}}, "nodes = {'a': 1}: must be a list"),
        ({"nodes": [{"name": "a", "weight": 0}]}, "weight of node a = 0: must be a number from 1e-09 to 1e+09"),
        ({"nodes": [{"name": "a", "weight": "2"}]}, "weight of node a = '2': must be a number from 1e-09 to 1e+09"),
        ({"shards": ["x", "x"], "nodes": [{"name": "a"}]}, "shards: 'x' is there more than once"),
        ({"shards": 2, "shard_gb": [1], "nodes": [{"name": "a"}]}, "shard_gb: has 1 sizes for 2 shards"),
        ({"shards": 2, "shard_gb": "big", "nodes": [{"name": "a"}]}, "shard_gb = 'big': must be a finite number"),
        ({"domains": 3}, "domains = 3: must be a mapping"),
        ({}, "nodes = none: must be one or more"),
    ],
)
def test_single_mistakes(document: object, message: str) -> None:
    with pytest.raises(PlanningError) as error:
        read_storage(document, "file.yaml")
    assert message in str(error.value)
