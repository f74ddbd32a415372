"""Asks Azure for its retail prices, which are public and have no client of their own: pages of JSON over HTTPS."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from planning.prices.answers_azure import filters, hourly_prices
from planning.prices.live import Found, LivePricesError, Question

ENDPOINT = "https://prices.azure.com/api/retail/prices"
_API_VERSION = "2023-01-01-preview"
_TIMEOUT_SECONDS = (5, 60)
_MOST_PAGES = 1000
_RETRY = Retry(
    total=5,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=("GET",),
    raise_on_status=False,
)


def ask_azure(question: Question, endpoint: str = ENDPOINT) -> Found:
    """On-demand and spot prices of the regions asked for. Raises LivePricesError."""
    known = [each.name for each in question.book.types if each.cloud == "azure"]
    found = Found()
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=_RETRY))
        for region in question.regions:
            question.report(f"{region}: on demand and spot")
            items = [item for text in filters(known, region) for item in _items(session, endpoint, text)]
            found.prices += hourly_prices(items, known, region, question.day)
    return found


def _items(session: requests.Session, endpoint: str, text: str) -> Iterator[Mapping[str, Any]]:
    """All items of one question, page after page."""
    page = _page(session, endpoint, {"api-version": _API_VERSION, "currencyCode": "USD", "$filter": text})
    for _ in range(_MOST_PAGES):
        yield from page["Items"]
        following = page.get("NextPageLink")
        if not following:
            return
        if urlsplit(following).hostname != urlsplit(endpoint).hostname:
            raise LivePricesError(f"Azure's answer goes on somewhere else than at {endpoint}: {following}")
        page = _page(session, following, None)
    raise LivePricesError(f"Azure's answer has no end after {_MOST_PAGES} pages")


def _page(session: requests.Session, address: str, parameters: Mapping[str, str] | None) -> Mapping[str, Any]:
    try:
        answer = session.get(address, params=parameters, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        page = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise LivePricesError(f"Azure cannot be asked: {_why(error)}") from None
    if not isinstance(page, dict) or not isinstance(page.get("Items"), list):
        raise LivePricesError(f"Azure answered with what is no list of prices: {str(page)[:80]!r}")
    return page


def _why(error: Exception) -> str:
    """What is wrong, without the address: with its filter that is longer than all else."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", None) or error)
