"""A broken cell anywhere in a book is an error that names file, line, column and value; all of them at once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning.errors import PlanningError
from planning.prices.book import load_book
from planning.prices.tables import PriceBookError
from tests.planning.prices.rows import INSTANCE, REGION, RIGHT, SERVICE, TYPE, table, write_book

# What each column refuses, by what it is; columns of free text refuse nothing but an empty source.
NUMBERS = ("", "none", "nan", "inf", "-inf", "1e999", "1,5", "0x10", "NaN")
WHOLE = ("", "-1", "1.5", "1e3", "²", "nan", "four")
DAYS = ("", "yesterday", "2026-13-01", "20.07.2026", "2026-02-30", "2026-07")
BROKEN = {
    "types_aws.csv": {
        "cloud": ("", "AWS", "ibm", "gcp"),
        "architecture": ("", "x86", "arm"),
        "vcpus": (*WHOLE, "0"),
        "memory_gib": ("none", "nan", "inf", "0", "-1"),
        "gpu": ("",),
        "gpu_count": (*WHOLE, "0"),
        "gpu_memory_gib": (*NUMBERS, "-1", "0"),
        "gpu_interconnect": ("NVLink", "infiniband"),
        "nvme_gb": ("none", "nan", "-1"),
        "network_gbps": ("none", "inf", "-1"),
        "rdma_interfaces": WHOLE,
        "network_cards": WHOLE,
        "capacity_blocks": ("", "yes", "2", "true"),
        "hibernation": ("", "no", "-1"),
        "source": ("", " "),
        "as_of": DAYS,
    },
    "instances_aws.csv": {
        "cloud": ("", "Amazon", "azure"),
        "instance_type": ("", "p9.huge"),
        "region": ("", "mars"),
        "capacity": ("", "on-demand", "free"),
        "usd_per_hour": (*NUMBERS, "0", "-1", "$5"),
        "interruption_band": ("<5", "5%", "often"),
        "basis": ("", "guessed"),
        "source": ("", " "),
        "as_of": DAYS,
        "currency": ("", "EUR", "CNY", "usd"),
    },
    "services_aws.csv": {
        "cloud": ("", "gcp"),
        "service": ("", "coffee_hour"),
        "unit": ("", "GiB", "hour"),
        "from_quantity": (*NUMBERS, "-1", "5"),
        "usd_per_unit": (*NUMBERS, "-0.01"),
        "basis": ("", "PUBLISHED"),
        "source": ("", "  "),
        "as_of": DAYS,
        "currency": ("", "JPY"),
    },
    "regions.csv": {
        "cloud": ("", "ovh"),
        "latitude": (*NUMBERS, "91", "-90.5"),
        "longitude": (*NUMBERS, "180.5", "-181"),
        "source": ("", " "),
        "as_of": DAYS,
    },
}
# What is wrong with several cells together, or only with another table, is told by other words than the cell's.
TOLD_OTHERWISE = {
    ("gpu", ""),
    ("gpu_count", "0"),
    ("gpu_memory_gib", "-1"),
    ("gpu_memory_gib", "0"),
    ("nvme_gb", "-1"),
    ("network_gbps", "-1"),
    ("instance_type", "p9.huge"),
    ("region", "mars"),
    ("from_quantity", "-1"),
    ("from_quantity", "5"),
    ("usd_per_unit", "-0.01"),
    ("latitude", "91"),
    ("latitude", "-90.5"),
    ("longitude", "180.5"),
    ("longitude", "-181"),
}


@given(choice=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_broken_cell_is_named(choice: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("book")
    name = choice.draw(st.sampled_from(sorted(BROKEN)))
    column = choice.draw(st.sampled_from(sorted(BROKEN[name])))
    value = choice.draw(st.sampled_from(BROKEN[name][column]))
    write_book(folder)
    (folder / name).write_text(table({**RIGHT[name], column: value}))
    with pytest.raises(PriceBookError) as refused:
        load_book(shipped=folder)
    message = str(refused.value)
    if (column, value) in TOLD_OTHERWISE:
        assert name in message
        assert value in message
        assert column in message or name == "instances_aws.csv"
    else:
        assert f"{folder / name}:2: {column} = " in message
        assert "''" in message if not value.strip() else value in message


def test_the_right_rows_are_right(tmp_path: Path) -> None:
    book = load_book(shipped=write_book(tmp_path))
    assert (len(book.types), len(book.instances), len(book.services), len(book.regions)) == (1, 1, 1, 1)
    assert book.types[0].capacity_blocks is True
    assert book.types[0].hibernation is False


def test_every_problem_of_every_table_is_in_one_error(tmp_path: Path) -> None:
    write_book(
        tmp_path,
        types_aws=[{**TYPE, "vcpus": "many", "as_of": "then"}],
        instances_aws=[INSTANCE, {**INSTANCE, "capacity": "reserved", "usd_per_hour": "nan", "currency": "EUR"}],
        services_aws=[{**SERVICE, "unit": "hour"}],
        regions=[REGION, {**REGION, "name": "moon", "latitude": "384400"}],
    )
    with pytest.raises(PlanningError) as refused:
        load_book(shipped=tmp_path)
    assert str(refused.value).splitlines() == [
        "The price book has 7 errors:",
        f"  {tmp_path}/types_aws.csv:2: vcpus = 'many': must be a whole number, 0 or more",
        f"  {tmp_path}/types_aws.csv:2: as_of = 'then': must be a day such as 2026-11-25",
        f"  {tmp_path}/instances_aws.csv:3: usd_per_hour = 'nan': must be a finite number",
        f"  {tmp_path}/instances_aws.csv:3: currency = 'EUR': must be USD; convert it, and say in source at what rate",
        f"  {tmp_path}/services_aws.csv:2: unit = 'hour': must be GB for egress_internet_gb",
        f"  {tmp_path}/regions.csv:3: latitude, longitude = 384400, -77.458: must be a place on Earth, in degrees",
        "  instances_aws.csv: the price of p5.48xlarge in us-east-1 (spot) is for a type that no types_aws.csv has",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: must have the columns cloud, region, zone"),
        ("cloud,region\naws,us-east-1\n", ":1: must have the columns cloud, region, zone"),
        (table(INSTANCE) + "aws,us-east-1\n", ":3: has another number of cells than the first line"),
        (table(INSTANCE).replace("USD", "USD,"), ":2: has another number of cells than the first line"),
        (table(INSTANCE) + '"aws', ":3: is no CSV: unexpected end of data"),
        (table(INSTANCE) + table(INSTANCE).splitlines()[1] + "\n", ": has two rows for aws us-east-1 p5.48xlarge spot"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write_book(tmp_path)
    (tmp_path / "instances_aws.csv").write_text(text)
    with pytest.raises(PriceBookError) as refused:
        load_book(shipped=tmp_path)
    assert f"{tmp_path}/instances_aws.csv{said}" in str(refused.value)


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write_book(tmp_path)
    (tmp_path / "regions.csv").write_bytes(b"cloud,\xff\xfe")
    with pytest.raises(PriceBookError, match=r"regions\.csv: cannot be read"):
        load_book(shipped=tmp_path)


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    write_book(tmp_path, instances_aws=[dict(reversed(INSTANCE.items()))])
    assert load_book(shipped=tmp_path).instances[0].usd_per_hour == 26.4192
