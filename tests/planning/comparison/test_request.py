"""What may be asked, which regions that admits, and what is said of those that are left out."""

import math
from typing import Any

import pytest

from planning.comparison.candidates import find_candidates
from planning.comparison.request import Request, check_request, per_of
from planning.errors import PlanningError
from planning.network.places import Place
from tests.planning.comparison.small_book import BOOK


def places(request: Request, max_age_days: int = 365) -> list[str]:
    return [str(each.place) for each in find_candidates(BOOK, request, max_age_days)[0]]


def problem(**asked: Any) -> str:
    with pytest.raises(PlanningError) as caught:
        check_request(Request(**asked), BOOK)
    return str(caught.value)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(gpu="A100"), ["aws:eu-west-1", "aws:us-east-1", "gcp:europe-west4"]),
        (Request(gpu="a100-80gb"), ["gcp:europe-west4"]),
        (Request(gpu="T4"), ["aws:us-east-1"]),
        (Request(gpu_memory_gib=48), ["gcp:europe-west4"]),
        (Request(clouds=("AWS",)), ["aws:eu-west-1", "aws:us-east-1"]),
        (Request(regions=("eu-west-1", "gcp:europe-west4")), ["aws:eu-west-1", "gcp:europe-west4"]),
        (Request(continents=("europe",)), ["aws:eu-west-1", "gcp:europe-west4"]),
        (Request(countries=("nl", "US")), ["aws:us-east-1", "gcp:europe-west4"]),
        (Request(continents=("Europe",), clouds=("gcp",)), ["gcp:europe-west4"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else repr(value)[:60],
)
def test_what_is_asked_picks_the_regions(request_: Request, expected: list[str]) -> None:
    check_request(request_, BOOK)
    assert places(request_) == expected


def test_dated_prices_are_left_out_and_said_so_unless_their_age_is_allowed() -> None:
    _, left_out = find_candidates(BOOK, Request(gpu="A100"))
    assert ("alibaba:eu-central-1", "1 price of 2024-10-09") in [
        (each.what, each.why.partition(":")[0]) for each in left_out
    ]
    assert "alibaba:eu-central-1" in places(Request(gpu="A100"), max_age_days=900)


def test_clouds_without_any_price_and_regions_without_a_fitting_one_are_named() -> None:
    _, left_out = find_candidates(BOOK, Request(gpu="A100"))
    said = {each.what: each.why for each in left_out}
    assert {cloud for cloud in said if "no prices of this cloud at all" in said[cloud]} == {
        "azure", "tencent", "huawei",
    }  # fmt: skip
    assert said["aws:sa-east-1"] == "the price book has no price there for A100"


def test_of_clouds_that_are_not_asked_for_nothing_is_said() -> None:
    _, left_out = find_candidates(BOOK, Request(gpu="A100", clouds=("aws",)))
    assert {each.cloud for each in left_out} == {"aws"}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(clouds=("tencent",)), "tencent: the price book has no prices of this cloud at all"),
        (Request(clouds=("alibaba",)), "a higher max_age_days takes in what is dated"),
        (Request(gpu="T4", continents=("Europe",)), "there are usable prices for T4 in aws:us-east-1"),
        (Request(gpu_memory_gib=500), "the most memory of one GPU is 80 GiB"),
        (Request(clouds=("aws",), countries=("NL",)), "no region is in all of the clouds"),
    ],
    ids=["no prices", "dated", "elsewhere", "too much memory", "contradiction"],
)
def test_where_nothing_is_left_the_error_says_why(request_: Request, said: str) -> None:
    with pytest.raises(PlanningError, match="there is nothing to compare") as caught:
        find_candidates(BOOK, request_)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"gpu": "A1000"}, "gpu = 'A1000': the price book does not know it; did you mean A100"),
        ({"gpu": "A10"}, "gpu = 'A10': the price book does not know it; did you mean A100"),
        ({"gpu": "Voodoo"}, "it knows A100, A100-80GB, T4"),
        ({"clouds": ("amazon",)}, "it knows aws, gcp, azure, alibaba, tencent, huawei"),
        ({"clouds": ("azur",)}, "did you mean azure?"),
        ({"regions": ("eu-west-9",)}, "region = 'eu-west-9': the price book does not know it; did you mean eu-west-1"),
        ({"continents": ("Europa",)}, "did you mean Europe?"),
        ({"countries": ("ZZ",)}, "country = 'ZZ'"),
        ({"gpu_memory_gib": 0.0}, "gpu_memory_gib = 0.0: must be a finite number above 0"),
        ({"gpu_memory_gib": math.nan}, "gpu_memory_gib = nan"),
        ({"data_gb": -1.0}, "data_gb = -1.0"),
        ({"data_gb": math.inf}, "data_gb = inf"),
        ({"data": Place("aws", "nowhere")}, "data = 'aws:nowhere': the price book has no such region"),
        ({"users": Place("huawei", "anywhere")}, "users = 'huawei:anywhere'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_refused_with_what_would(asked: dict[str, Any], said: str) -> None:
    assert said in problem(**asked)


def test_all_problems_are_told_at_once() -> None:
    assert len(problem(gpu="X1", clouds=("a", "b"), data_gb=-1.0).splitlines()) == 4


def test_what_prices_are_for_is_one_of_three_words() -> None:
    assert (per_of("memory"), per_of("")) == ("memory", None)
    with pytest.raises(PlanningError, match="--per = 'hour': must be one of gpu, memory, tflops"):
        per_of("hour")
