"""Rows of a price book for tests: one right row of each kind, and the text of a table."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

TYPE = {
    "cloud": "aws",
    "name": "p5.48xlarge",
    "architecture": "x86_64",
    "vcpus": "192",
    "memory_gib": "2048",
    "gpu": "H100",
    "gpu_count": "8",
    "gpu_memory_gib": "80",
    "gpu_interconnect": "nvlink",
    "nvme_gb": "30400",
    "network_gbps": "3200",
    "rdma_interfaces": "32",
    "network_cards": "32",
    "capacity_blocks": "1",
    "hibernation": "0",
    "source": "EC2",
    "as_of": "2026-07-20",
}
INSTANCE = {
    "cloud": "aws",
    "region": "us-east-1",
    "zone": "",
    "instance_type": "p5.48xlarge",
    "capacity": "spot",
    "usd_per_hour": "26.4192",
    "interruption_band": ">20%",
    "basis": "derived",
    "source": "the price list",
    "as_of": "2026-07-20",
    "currency": "USD",
}
SERVICE = {
    "cloud": "aws",
    "region": "us-east-1",
    "service": "egress_internet_gb",
    "unit": "GB",
    "from_quantity": "0",
    "usd_per_unit": "0.09",
    "basis": "published",
    "source": "the price list",
    "as_of": "2026-07-20",
    "currency": "USD",
}
REGION = {
    "cloud": "aws",
    "name": "us-east-1",
    "place": "Northern Virginia",
    "country": "US",
    "continent": "North America",
    "latitude": "39.029",
    "longitude": "-77.458",
    "source": "the list of regions",
    "as_of": "2026-07-20",
}
RIGHT: Mapping[str, Mapping[str, str]] = {
    "types_aws.csv": TYPE,
    "instances_aws.csv": INSTANCE,
    "services_aws.csv": SERVICE,
    "regions.csv": REGION,
}


def table(*rows: Mapping[str, str]) -> str:
    """The text of a table."""
    text = io.StringIO()
    lines = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()


def write_book(folder: Path, **tables: Sequence[Mapping[str, str]]) -> Path:
    """A folder with one right row of each kind, or with the rows given for a table (`instances_aws=[...]`)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, row in RIGHT.items():
        (folder / name).write_text(table(*tables.pop(name.removesuffix(".csv"), (row,))))
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(table(*rows))
    return folder
