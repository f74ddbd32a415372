"""EventBridge Scheduler on this machine: does what the schedules of a plan say, as far as their moment has come.

The names of parameters are folded to those of boto3, as the real one folds them: a universal target is given them with
a capital first, and EKS's own begin without. What boto3 does not know in its model of the API is an error.
"""

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore import xform_name
from botocore.model import Shape

from tests.infra.recorder import Registered, Resources

SCHEDULE = "aws:scheduler/schedule:Schedule"
REGION = "eu-west-1"


def client(service: str) -> Any:
    """A client of the cloud that the test has made, or of none at all."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def due(resources: Resources, moment: datetime.datetime) -> list[Registered]:
    """The schedules whose first call is not after a moment."""
    schedules = resources.all(SCHEDULE)
    return [each for each in schedules if datetime.datetime.fromisoformat(each.inputs["startDate"]) <= moment]


def call(schedule: Registered, start_state_machine: Callable[[str], object], real: Mapping[str, str]) -> None:
    """Calls the schedule's target once.

    :param start_state_machine: What starts the state machine of an ARN.
    :param real: What a made-up identifier in the input is really called, by the former.
    """
    target = schedule.inputs["target"]
    if ":aws-sdk:" not in target["arn"]:
        start_state_machine(target["arn"])
        return
    service, operation = target["arn"].split(":")[-2:]
    api, method = client(service), xform_name(operation)
    model = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[method])
    given = target["input"]
    for made_up, identifier in real.items():
        given = given.replace(made_up, identifier)
    getattr(api, method)(**folded(json.loads(given), model.input_shape))


def folded(given: Any, shape: Shape) -> Any:
    """Parameters with a capital first, with the names of a service's model. Raises AssertionError for one that the
    model does not know."""
    if isinstance(given, list):
        return [folded(each, shape.member) for each in given]
    if not isinstance(given, dict):
        return given
    known = {name[0].upper() + name[1:]: name for name in shape.members}
    assert given.keys() <= known.keys(), f"{shape.name} does not know {sorted(given.keys() - known.keys())}"
    return {known[name]: folded(value, shape.members[known[name]]) for name, value in given.items()}
