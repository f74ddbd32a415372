"""The table of data-protection features: no claim without a source and a day, and broken rows are named."""

import datetime
from pathlib import Path

import pytest

from planning.comparison.features import FEATURES, load_features
from planning.prices.model import CLOUDS
from planning.prices.tables import PriceBookError

HEAD = "cloud,feature,offered,source,as_of\n"


def table(folder: Path, rows: str) -> Path:
    path = folder / "features.csv"
    path.write_text(HEAD + rows)
    return path


def test_the_shipped_table_has_a_source_that_can_be_looked_up_for_every_claim() -> None:
    rows = load_features().rows
    assert rows
    for row in rows:
        assert "https://" in row.source or "github.com/" in row.source, row
        assert datetime.date(2020, 1, 1) <= row.as_of, row


def test_of_every_cloud_something_is_known_and_of_the_big_three_everything() -> None:
    features = load_features()
    for cloud in CLOUDS:
        assert features.known_of(cloud), cloud
    for cloud in ("aws", "gcp", "azure"):
        assert [row.feature for row in features.known_of(cloud)] == list(FEATURES)


def test_what_has_no_row_is_unknown(tmp_path: Path) -> None:
    features = load_features(table(tmp_path, "aws,c5,yes,somewhere,2026-01-01\n"))
    assert features.of("aws", "c5") is not None
    assert features.of("aws", "hipaa") is None
    assert features.of("gcp", "c5") is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("aws,c5,yes,,2026-01-01\n", "source = ''"),
        ("aws,c5,yes,s,\n", "as_of = ''"),
        ("aws,c5,maybe,s,2026-01-01\n", "offered = 'maybe': must be one of yes, no"),
        ("aws,c6,yes,s,2026-01-01\n", "feature = 'c6'"),
        ("ibm,c5,yes,s,2026-01-01\n", "cloud = 'ibm'"),
        ("aws,c5,yes,s,2026-01-01\naws,c5,no,s,2026-01-01\n", "has two rows for aws c5"),
    ],
    ids=["no source", "no day", "maybe", "unknown feature", "unknown cloud", "twice"],
)
def test_a_broken_row_is_named(tmp_path: Path, rows: str, said: str) -> None:
    path = table(tmp_path, rows)
    with pytest.raises(PriceBookError) as caught:
        load_features(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
