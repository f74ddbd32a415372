"""The table of regions that offer a type, compared with what EC2 itself answers, as moto has recorded it."""

import gzip
import importlib.resources
import json

from infra.aws import instance_offerings, instance_types


def test_each_type_is_offered_where_ec2_says_it_is() -> None:
    recorded: dict[str, list[str]] = {}
    folder = importlib.resources.files("moto") / "ec2" / "resources" / "instance_type_offerings" / "region"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        for offering in json.loads(gzip.decompress(file.read_bytes())):
            recorded.setdefault(offering["InstanceType"], []).append(file.name.partition(".")[0])
    names = [*instance_types.with_gpu(), *instance_types.without_gpu()]
    assert len(names) > 80
    assert {name: list(instance_offerings.regions_of(name)) for name in names} == {
        name: recorded[name] for name in names
    }


def test_of_a_region_that_is_not_on_record_nothing_is_refused() -> None:
    assert instance_offerings.is_offered("g5.xlarge", "eu-west-1")
    assert not instance_offerings.is_offered("g6.xlarge", "eu-west-1")
    assert instance_offerings.is_offered("g6.xlarge", "us-gov-west-1")
    assert instance_offerings.is_offered("g6.xlarge", None)
