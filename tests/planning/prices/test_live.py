"""The clients of the clouds' prices against servers on loopback: EC2 by moto, the others by recorded answers."""

import datetime
from collections.abc import Iterator

import pytest

from planning.prices.live import LivePricesError, Question
from planning.prices.live_aws import ask_aws
from planning.prices.live_azure import ask_azure
from planning.prices.live_gcp import ask_gcp
from tests.planning.prices import price_servers
from tests.planning.prices.price_servers import Answer, Request, azure, google, price_list, recorded, serving
from tests.planning.prices.shipped import shipped_book

DAY = datetime.date(2026, 11, 25)


def question(*regions: str) -> Question:
    return Question(book=shipped_book(), regions=regions, day=DAY)


@pytest.fixture(scope="module")
def ec2() -> Iterator[str]:
    with price_servers.ec2() as address:
        yield address


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, ec2: str) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", ec2)
    return monkeypatch


def test_aws_answers_with_all_pages_of_its_price_list_and_with_spot_by_zone(account: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    asked = Question(book=shipped_book(), regions=("us-east-1",), day=DAY, report=told.append)
    with serving(price_list) as server:
        account.setenv("AWS_ENDPOINT_URL_PRICING", server.url)
        found = ask_aws(asked)
    prices = {(price.instance_type, price.capacity, price.zone): price for price in found.prices}
    assert prices["p5.48xlarge", "on_demand", ""].usd_per_hour == 60.544
    assert found.unknown_types == {"x2gd.large"}
    zones = {price.zone for price in found.prices if price.capacity == "spot"}
    assert {"", "us-east-1a", "us-east-1b"} <= zones
    # moto has one price for everything.
    assert {price.usd_per_hour for price in found.prices if price.capacity == "spot"} == {0.00001}
    known = {each.name for each in shipped_book().types}
    assert {price.instance_type for price in found.prices} <= known
    assert told == ["us-east-1: on demand", "us-east-1: spot"]
    assert len(server.requests) == 2
    assert b"OnDemand" not in server.requests[0].body
    assert b"Shared" in server.requests[0].body


def test_aws_says_no_in_its_own_words(account: pytest.MonkeyPatch) -> None:
    def refuse(_request: Request) -> Answer:
        return 400, {"__type": "AccessDeniedException", "Message": "not allowed to perform pricing:GetProducts"}

    with serving(refuse) as server:
        account.setenv("AWS_ENDPOINT_URL_PRICING", server.url)
        with pytest.raises(LivePricesError, match=r"AWS cannot be asked: .*AccessDenied.*pricing:GetProducts"):
            ask_aws(question("us-east-1"))


def test_azure_answers_page_after_page() -> None:
    with serving(azure) as server:
        found = ask_azure(question("eastus"), f"{server.url}/api/retail/prices")
    assert {(price.instance_type, price.capacity): price.usd_per_hour for price in found.prices} == {
        ("Standard_NC4as_T4_v3", "on_demand"): 0.526,
        ("Standard_NC4as_T4_v3", "spot"): 0.14,
        ("Standard_ND96isr_H100_v5", "on_demand"): 98.32,
        ("Standard_ND96isr_H100_v5", "spot"): 20,
    }
    first = server.requests[0]
    assert first.query["currencyCode"] == ["USD"]
    assert "armRegionName eq 'eastus'" in first.query["$filter"][0]


def test_azure_is_asked_again_when_it_is_busy() -> None:
    busy = iter([429, 503])

    def sometimes(request: Request) -> Answer:
        status = next(busy, 200)
        return azure(request) if status == 200 else (status, "busy")

    with serving(sometimes) as server:
        found = ask_azure(question("eastus"), server.url)
    assert len(found.prices) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, "{}"), "Azure cannot be asked: 404 Not Found$"),
        ((200, "<html>"), "Azure cannot be asked: "),
        ((200, []), "what is no list of prices"),
        ((200, {"Error": "bad filter"}), "what is no list of prices"),
        ((200, {"Items": [], "NextPageLink": "http://elsewhere.example/prices"}), "goes on somewhere else"),
    ],
)
def test_azure_that_answers_something_else_is_an_error(answer: Answer, said: str) -> None:
    with serving(lambda _request: answer) as server, pytest.raises(LivePricesError, match=said):
        ask_azure(question("eastus"), server.url)


def test_google_answers_all_pages_and_gets_no_credentials_over_plain_http() -> None:
    with serving(google) as server:
        found = ask_gcp(question("us-central1", "us-east1"), server.url)
    prices = {(price.region, price.instance_type, price.capacity) for price in found.prices}
    assert ("us-central1", "a2-highgpu-8g", "spot") in prices
    assert ("us-east1", "a3-highgpu-8g", "on_demand") in prices
    assert ("us-central1", "a3-highgpu-8g", "on_demand") not in prices
    assert [request.path for request in server.requests] == ["/v1/services/6F81-5844-456A/skus"] * 2
    assert not [request for request in server.requests if "Authorization" in request.headers]


def test_what_google_does_not_sell_in_dollars_by_the_hour_is_left_out() -> None:
    with serving(google) as server:
        found = ask_gcp(question("us-east1"), server.url)
    assert not [price for price in found.prices if price.instance_type.startswith(("g2-", "n2-"))]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, {"error": {"code": 403, "message": "billing is off", "status": "PERMISSION_DENIED"}}), "billing is off"),
        ((200, {"skus": []}), "has no price by the hour"),
        ((200, "<html>"), "Google Cloud cannot be asked: "),
    ],
)
def test_google_that_answers_something_else_is_an_error(answer: Answer, said: str) -> None:
    with serving(lambda _request: answer) as server, pytest.raises(LivePricesError, match=said):
        ask_gcp(question("us-central1"), server.url)


@pytest.mark.parametrize("endpoint", ["cloudbilling.googleapis.com", "ftp://there", "http://"])
def test_an_endpoint_of_google_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(LivePricesError, match="is no address such as https://cloudbilling"):
        ask_gcp(question("us-central1"), endpoint)


def test_a_recorded_page_has_a_next_one() -> None:
    assert recorded("gcp_skus_1")["nextPageToken"]
    assert recorded("azure_prices_1")["NextPageLink"]
    assert recorded("aws_products_1")["NextToken"]
