"""Asks Google Cloud for its price list by its own client, with the application default credentials."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from google.api_core.exceptions import GoogleAPIError
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.billing_v1 import CloudCatalogClient, ListSkusRequest, Sku
from google.cloud.billing_v1.services.cloud_catalog.transports import CloudCatalogRestTransport
from google.protobuf.json_format import ParseError

from planning.prices.answers_gcp import Rate, hourly_rate, machine_prices
from planning.prices.live import Found, LivePricesError, Question
from planning.prices.numbers import plain_price

ENDPOINT = "https://cloudbilling.googleapis.com"
_COMPUTE_ENGINE = "services/6F81-5844-456A"
"""Source: Google, "Cloud Billing Catalog API", services.list."""
_PAGE_SIZE = 5000
_TIMEOUT_SECONDS = 60.0


def ask_gcp(question: Question, endpoint: str = ENDPOINT) -> Found:
    """On-demand, spot and flex-start prices of the regions asked for. Raises LivePricesError.

    :param endpoint: Over plain HTTP, which only tests speak, no credentials are sent.
    """
    known = [each for each in question.book.types if each.cloud == "gcp"]
    question.report("all regions: price list of Compute Engine")
    try:
        rates = list(_rates(_client(endpoint)))
    except (GoogleAPIError, GoogleAuthError, ParseError, OSError, ValueError) as error:
        raise LivePricesError(f"Google Cloud cannot be asked: {error}") from None
    if not rates:
        raise LivePricesError("Google Cloud's price list of Compute Engine has no price by the hour in US dollars")
    found = Found()
    for region in question.regions:
        question.report(f"{region}: machines")
        found.prices += machine_prices(rates, known, region, question.day)
    return found


def _client(endpoint: str) -> CloudCatalogClient:
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise LivePricesError(f"the endpoint {endpoint!r} is no address such as {ENDPOINT}")
    transport = CloudCatalogRestTransport(
        host=address.netloc,
        url_scheme=address.scheme,
        credentials=AnonymousCredentials() if address.scheme == "http" else None,
    )
    return CloudCatalogClient(transport=transport)


def _rates(client: CloudCatalogClient) -> Iterator[Rate]:
    request = ListSkusRequest(parent=_COMPUTE_ENGINE, currency_code="USD", page_size=_PAGE_SIZE)
    for sku in client.list_skus(request, retry=Retry(timeout=_TIMEOUT_SECONDS), timeout=_TIMEOUT_SECONDS):
        rate = _rate(sku)
        if rate is not None:
            yield rate


def _rate(sku: Sku) -> Rate | None:
    """What a SKU costs; None for what is no price by the hour or month in US dollars, such as a commitment's."""
    if sku.category.usage_type not in ("OnDemand", "Preemptible") or not sku.pricing_info:
        return None
    expression = sku.pricing_info[-1].pricing_expression
    tiers = [tier.unit_price for tier in expression.tiered_rates if tier.start_usage_amount == 0]
    if len(tiers) != 1 or tiers[0].currency_code != "USD":
        return None
    price = hourly_rate(int(tiers[0].units), int(tiers[0].nanos), expression.usage_unit)
    if plain_price(price) is None or price is None:
        return None
    return Rate(description=sku.description, regions=tuple(sku.service_regions), usd_per_hour=price)
