"""How long a stack that is not to stay may be there at most, by the parameter `most_days` of cost-stack-expires."""

import calendar
import datetime

import pytest

from policies import configuration
from policies.catalogue import RULES
from policies.cost.examples import CLUSTER, TAGS, node_group
from policies.cost.lifetime import stack_expires
from policies.judging import judge
from policies.resources import Stack

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(calendar.timegm(TODAY.timetuple())))


def objections(days: int, most_days: float) -> list[str]:
    """What is said of a large stack that expires in so many days."""
    expiry = (TODAY + datetime.timedelta(days=days)).isoformat()
    pool = node_group(["g5.12xlarge", "g4dn.12xlarge"], most=8, tags={**TAGS, "expires_at": f"{expiry}T18:00:00Z"})
    cluster = type(CLUSTER)(CLUSTER.type, CLUSTER.name, {**CLUSTER.properties, "tags": pool.properties["tags"]})
    parameters = {**stack_expires.defaults(), "most_days": most_days}
    return [each.objection for each in judge(stack_expires, Stack([cluster, pool], "dev"), parameters)]


@pytest.mark.parametrize(("days", "most_days"), [(30, 30), (0, 1), (10_000, 0)])
def test_a_stack_may_be_there_for_as_long_as_is_allowed(days: int, most_days: float) -> None:
    assert objections(days, most_days) == []


def test_a_stack_that_may_stay_longer_is_objected_to_in_all_its_parts() -> None:
    said = objections(31, 30)
    assert len(said) == 2
    assert all("It may stay until 2026-12-27T18:00:00Z, which is more than 30 days from now" in each for each in said)


@pytest.mark.parametrize("stack", ["dev", "gcp-dev"])
def test_a_stack_to_try_things_in_has_a_bound(stack: str) -> None:
    content = configuration.read(configuration.stack_file(stack))
    settings = configuration.settings(content, RULES, TODAY)
    assert 0 < settings[stack_expires.id].parameters["most_days"] <= 400
