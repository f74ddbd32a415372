"""What the guard refuses before anything is created: account, stack, plan, time and money."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from lifecycle.caller import CallerUnknown, caller_of
from lifecycle.deployer import DeployedResource, DeploymentResult, Planned, Show
from lifecycle.runs.account import check_account
from lifecycle.runs.beginning import (
    PreviewFailed,
    Wanted,
    admit,
    begun,
    check_hours,
    pass_guard,
    refuse_second_run,
)
from lifecycle.runs.budget import (
    MonthlyBudget,
    WorstCase,
    budget_of,
    check_budget,
    check_cost,
    month_spend_usd,
    worst_case,
)
from lifecycle.runs.errors import RunError, RunLocked, RunRefused
from lifecycle.runs.folder import RunFolder, list_runs
from lifecycle.teardown.subject import read_subject
from planning.prices.book import PriceBook
from planning.prices.refreshed import project_book

ACCOUNT = "123456789012"
SUCCEEDED = DeploymentResult("succeeded")
URN = "urn:pulumi:dev::shop::"
NODES = {
    "type": "aws:eks/nodeGroup:NodeGroup",
    "urn": f"{URN}aws:eks/nodeGroup:NodeGroup::gpu",
    "custom": True,
    "inputs": {
        "capacityType": "SPOT",
        "instanceTypes": ["g5.xlarge"],
        "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
    },
}
BUDGET = {
    "type": "aws:budgets/budget:Budget",
    "urn": f"{URN}aws:budgets/budget:Budget::budget",
    "custom": True,
    "inputs": {"accountId": ACCOUNT, "name": "shop-dev", "limitAmount": "500.00"},
}


@dataclass
class PlannedStack:
    """A deployer that can only preview."""

    states: list[dict[str, Any]] = field(default_factory=list)
    there: list[DeployedResource] = field(default_factory=list)
    result: DeploymentResult = SUCCEEDED
    config: dict[str, str] = field(default_factory=dict)
    previews: int = 0
    dies_at: int = 0
    """Which preview's process is killed; 0: none."""

    def preview(self, show: Show) -> Planned:
        self.previews += 1
        if self.previews == self.dies_at:
            return Planned(DeploymentResult("failed", "program", "the preview's process ended by SIGKILL before"))
        steps = [{"op": "create", "urn": each["urn"], "oldState": None, "newState": each} for each in self.states]
        return Planned(self.result, {"config": {"aws:region": "eu-west-1", **self.config}, "steps": steps})

    def up(self, show: Show) -> DeploymentResult:
        raise AssertionError

    def destroy(self, show: Show) -> DeploymentResult:
        raise AssertionError

    def cancel(self) -> None:
        raise AssertionError

    def outputs(self) -> dict[str, Any]:
        raise AssertionError

    def resources(self) -> list[DeployedResource]:
        return self.there


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return project_book(Path(__file__).parents[3])


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(cloud: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return cloud


def make_project(folder: Path, *, account: str = ACCOUNT, cloud: str = "aws", more: str = "") -> Path:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(
        f"config:\n  shop:cloud: {cloud}\n  aws:region: eu-west-1\n  shop:aws: {{account_id: '{account}'}}\n{more}"
    )
    return folder


def guarded(
    project: Path, book: PriceBook, stack: PlannedStack, *, asks: bool = False, **wanted: Any
) -> tuple[RunFolder, Any]:
    with begun(project, Wanted(**{"stack": "dev", "max_hours": 10.0, **wanted})) as run:
        return run, pass_guard(run, lambda *_: stack, book, asks=asks, show=lambda _: None, caller=lambda _: ACCOUNT)


def begin(project: Path, stack: str = "dev", hours: float = 1.0) -> RunFolder:
    """A run that nobody works on any more."""
    with begun(project, Wanted(stack=stack, max_hours=hours)) as run:
        return run


# The account


def test_the_caller_is_who_the_cloud_says(tmp_path: Path, aws: str) -> None:
    subject = read_subject(make_project(tmp_path), "dev")
    assert caller_of(subject) == ACCOUNT
    check_account(subject)


def test_a_foreign_account_is_refused(tmp_path: Path, aws: str) -> None:
    subject = read_subject(make_project(tmp_path, account="999999999999"), "dev")
    told = f"credentials are of account {ACCOUNT}, and stack dev is of account 999999999999 .*shop:aws.account_id"
    with pytest.raises(RunRefused, match=told):
        check_account(subject)


def test_an_account_that_is_not_set_is_refused(tmp_path: Path) -> None:
    subject = read_subject(make_project(tmp_path, account=""), "dev")
    with pytest.raises(RunRefused, match=r"aws.account_id is not set: must be the 12 digits"):
        check_account(subject, caller=lambda _: pytest.fail("nobody is to be asked"))


def test_this_machine_has_no_account(tmp_path: Path) -> None:
    subject = read_subject(make_project(tmp_path, cloud="local"), "dev")
    check_account(subject, caller=lambda _: pytest.fail("nobody is to be asked"))


def test_a_cloud_that_does_not_answer_is_told(tmp_path: Path, aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("lifecycle.teardown.aws.calls.ATTEMPTS", 1)
    with pytest.raises(CallerUnknown, match=r"AWS does not say of which account these credentials are"):
        caller_of(read_subject(make_project(tmp_path), "dev"))


# The money


def test_the_worst_case_is_every_node_all_the_time(book: PriceBook) -> None:
    document = PlannedStack([NODES]).preview(lambda _: None).document
    worst = worst_case(document, book, 10.0)
    assert 0 < worst.usd_per_hour < worst.on_demand_usd_per_hour
    assert worst.usd == pytest.approx(10 * worst.usd_per_hour)


@given(st.floats(0.001, 1000), st.floats(0.01, 168))
def test_what_a_refusal_asks_for_is_accepted(price: float, hours: float) -> None:
    worst = WorstCase(usd_per_hour=price, on_demand_usd_per_hour=price, hours=hours)
    with pytest.raises(RunRefused, match=r"--max-cost is 0.00") as refused:
        check_cost(worst, 0.0, asks=True)
    least = float(str(refused.value).partition("must be at least ")[2].partition(",")[0])
    assert check_cost(worst, least, asks=False) == least
    assert check_cost(worst, None, asks=True) == worst.usd


def test_nobody_is_asked_and_nothing_is_said_of_the_cost() -> None:
    worst = WorstCase(usd_per_hour=2.0, on_demand_usd_per_hour=2.0, hours=3.0)
    with pytest.raises(RunRefused, match=r"--max-cost is not set, and nobody is asked: must be at least 6.00"):
        check_cost(worst, None, asks=False)
    free = WorstCase(usd_per_hour=0.0, on_demand_usd_per_hour=0.0, hours=3.0)
    assert check_cost(free, None, asks=False) == 0.0


def test_what_the_month_has_cost_is_asked_of_the_cloud(aws: str) -> None:
    budgets = boto3.client("budgets", region_name="us-east-1")
    limit = {"Amount": "500", "Unit": "USD"}
    budget = {"BudgetName": "shop-dev", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    budgets.create_budget(AccountId=ACCOUNT, Budget=budget)
    from moto.budgets.models import budgets_backends

    kept = budgets_backends[ACCOUNT]["aws"].budgets[ACCOUNT]["shop-dev"]
    kept.budget["CalculatedSpend"] = {"ActualSpend": {"Amount": "412.5", "Unit": "USD"}}
    assert month_spend_usd(MonthlyBudget(ACCOUNT, "shop-dev", 500.0)) == 412.5
    assert month_spend_usd(MonthlyBudget(ACCOUNT, "not-there", 500.0)) == 0.0


def test_a_budget_that_the_run_could_exceed_refuses_it() -> None:
    budget = MonthlyBudget(ACCOUNT, "shop-dev", 500.0)
    worst = WorstCase(usd_per_hour=10.0, on_demand_usd_per_hour=10.0, hours=9.0)
    check_budget(budget, 410.0, worst)
    with pytest.raises(RunRefused, match=r"monthly_usd is 500, of which 412.50.*--max-hours must be at most 8.75"):
        check_budget(budget, 412.5, worst)


def test_the_budget_is_the_one_of_the_plan() -> None:
    document = PlannedStack([NODES, BUDGET]).preview(lambda _: None).document
    assert budget_of(document) == MonthlyBudget(ACCOUNT, "shop-dev", 500.0)
    assert budget_of({"steps": []}) is None


# The whole


def test_a_guarded_run_knows_its_limits(tmp_path: Path, aws: str, book: PriceBook) -> None:
    stack = PlannedStack([NODES], config={"shop:owner": "me", "shop:key": "[secret]"})
    run, found = guarded(make_project(tmp_path), book, stack, max_cost_usd=100.0)
    record = run.read()
    assert record == found.record
    assert (record.phase, record.max_cost_usd, record.cloud) == ("guard", 100.0, "aws")
    assert record.cost.usd_per_hour == found.worst.usd_per_hour > 0
    assert record.settings["shop:owner"] == "me"
    assert "[secret]" not in json.dumps(record.settings)
    assert record.versions["python"]
    assert len(record.plan_sha256) == 64
    text = run.stack_file("dev").read_text()
    assert "maximum_cost_usd: 100" in text
    assert record.expires_at in text
    # Once to learn the price, once more with the limit that follows from it.
    assert stack.previews == 2
    assert admit(run, record).phase == "up"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("  shop:environment: prod\n", "shop:environment is prod.*must be dev"),
        ("  shop:training: {enabled: false}\n", "training.enabled is false: must be true"),
        ("  shop:training: text\n", "shop:training is no object"),
    ],
)
def test_settings_that_no_run_can_have_are_refused(tmp_path: Path, book: PriceBook, more: str, problem: str) -> None:
    with pytest.raises(RunError, match=problem):
        guarded(make_project(tmp_path, more=more), book, PlannedStack())


def test_a_stack_that_holds_something_is_refused(tmp_path: Path, book: PriceBook) -> None:
    stack = PlannedStack(there=[DeployedResource("urn", "aws:s3/bucket:Bucket", "b", False)])
    with pytest.raises(RunRefused, match=r"stack dev holds 1 resources already.*yard destroy -s dev"):
        guarded(make_project(tmp_path), book, stack)
    assert stack.previews == 0


def test_a_run_in_another_account_is_refused_before_anything_is_asked(tmp_path: Path, book: PriceBook) -> None:
    stack = PlannedStack()
    with pytest.raises(RunRefused, match=r"stack dev is of account 111111111111"):
        guarded(make_project(tmp_path, account="111111111111"), book, stack)
    assert stack.previews == 0


def test_a_preview_whose_process_is_killed_is_done_again(tmp_path: Path, aws: str, book: PriceBook) -> None:
    stack = PlannedStack([NODES], dies_at=1)
    assert guarded(make_project(tmp_path), book, stack, max_cost_usd=100.0)[1].record.phase == "guard"
    assert stack.previews == 3


def test_a_preview_that_fails_is_told_with_its_cause(tmp_path: Path, book: PriceBook) -> None:
    failed = DeploymentResult("failed", "policy", "too open")
    with pytest.raises(PreviewFailed) as told:
        guarded(make_project(tmp_path), book, PlannedStack(result=failed))
    assert told.value.result == failed


@pytest.mark.parametrize("hours", [0.0, -1.0, 0.5, 169.0, float("nan")])
def test_times_that_no_training_fits_into_are_refused(tmp_path: Path, hours: float) -> None:
    with pytest.raises(RunRefused, match=r"--max-hours is .*: must be more than 0.52 and at most 168 on aws"):
        begin(make_project(tmp_path), "dev", hours)
    assert not list_runs(tmp_path)


def test_this_machine_needs_no_time_to_be_made() -> None:
    check_hours(0.01, "local")
    with pytest.raises(RunRefused, match=r"must be more than 0 and at most 168"):
        check_hours(0.0, "local")


def test_a_stack_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match=r"--stack is 'nope': must be a stack with a file"):
        begin(make_project(tmp_path), "nope", 1.0)


def test_a_second_run_of_a_stack_is_refused_by_name(tmp_path: Path) -> None:
    project = make_project(tmp_path, cloud="local")
    with begun(project, Wanted(stack="dev", max_hours=1.0)) as first:
        with pytest.raises(RunLocked, match=rf"stack dev has a run that goes on, {first.id}"):
            begin(project)
        admit(first, first.read())
    with pytest.raises(RunRefused, match=rf"an unfinished run, {first.id}.*yard train --resume {first.id}"):
        begin(project)
    refuse_second_run(project, "other")


def test_a_run_that_was_killed_before_it_created_anything_gives_way(tmp_path: Path) -> None:
    project = make_project(tmp_path, cloud="local")
    first = begin(project)
    second = begin(project)
    assert list_runs(project) == [second]
    assert not first.path.exists()
