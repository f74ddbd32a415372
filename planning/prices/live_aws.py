"""Asks AWS for its prices, with the account's own credentials: the Price List for on demand, EC2 for spot.

An endpoint other than AWS's own is boto3's to know: `AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_PRICING` and
`AWS_ENDPOINT_URL_EC2`.
"""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from planning.prices.answers_aws import PLAIN_LINUX, SPOT_PRODUCTS, on_demand, spot
from planning.prices.live import Found, LivePricesError, Question
from planning.prices.model import InstancePrice

_PRICE_LIST_REGION = "us-east-1"
"""The Price List has endpoints in a few regions only, and knows all regions in each. Source: AWS, "Price List API"."""
_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})


def ask_aws(question: Question) -> Found:
    """On-demand and spot prices of the regions asked for. Raises LivePricesError.

    Needs `pricing:GetProducts` and `ec2:DescribeSpotPriceHistory`.
    """
    known = [each.name for each in question.book.types if each.cloud == "aws"]
    found = Found()
    try:
        for region in question.regions:
            question.report(f"{region}: on demand")
            answered = on_demand(_products(region), known, region, question.day)
            found.prices += answered.prices
            found.unknown_types |= answered.unknown_types
            question.report(f"{region}: spot")
            found.prices += spot(_history(region, known), _bands(question, region), region, question.day)
    except (BotoCoreError, ClientError) as error:
        raise LivePricesError(f"AWS cannot be asked: {error}") from None
    return found


def _products(region: str) -> Iterator[str]:
    client = boto3.client("pricing", region_name=_PRICE_LIST_REGION, config=_CONFIG)
    wanted = {"regionCode": region, **PLAIN_LINUX}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    for page in client.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters):
        yield from page["PriceList"]


def _history(region: str, known: list[str]) -> Iterator[Mapping[str, Any]]:
    client = boto3.client("ec2", region_name=region, config=_CONFIG)
    pages = client.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=known,
        ProductDescriptions=list(SPOT_PRODUCTS),
        # From now on: the prices that hold at this moment, without those before them.
        StartTime=datetime.datetime.now(datetime.UTC),
    )
    for page in pages:
        yield from page["SpotPriceHistory"]


def _bands(question: Question, region: str) -> dict[str, InstancePrice]:
    return {
        price.instance_type: price
        for price in question.book.instances
        if (price.cloud, price.region, price.zone, price.capacity) == ("aws", region, "", "spot")
    }
