"""Finds what records and tells: log groups, queues, rules, schedules and state machines, and the budget.

A log group comes back by itself where something writes to it after it was deleted.
"""

from collections.abc import Iterator

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.calls import is_absent
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.ownership import log_group_prefixes, own_name


def find_log_groups(search: Search) -> Iterator[Found]:
    """Log groups, whose logs cost money for as long as they are kept. Raises botocore's errors."""
    for prefix, why in log_group_prefixes(search.subject).items():
        for each in search.all("logs", "describe_log_groups", logGroupNamePrefix=prefix):
            name = each["logGroupName"]
            line = command(search.subject.region, "logs delete-log-group --log-group-name {name}", name=name)
            size = f"{each.get('storedBytes', 0):,} bytes"
            yield Found(Stage.RECORDS, Leftover("log group", name, f"its name: {why}; {size}", (line,)))


def find_queues(search: Search) -> Iterator[Found]:
    """Queues. Raises botocore's errors."""
    prefix = f"{search.subject.cluster_name}_"
    for url in search.calls.all("sqs", "list_queues", QueueNamePrefix=prefix):
        line = command(search.subject.region, "sqs delete-queue --queue-url {url}", url=url)
        yield Found(Stage.RECORDS, Leftover("SQS queue", str(url).rpartition("/")[2], "its name", (line,)))


def find_rules(search: Search) -> Iterator[Found]:
    """Rules of EventBridge, and their targets, which have to go first. Raises botocore's errors."""
    region = search.subject.region
    for each in search.all("events", "list_rules", NamePrefix=f"{search.subject.cluster_name}_"):
        name = each["Name"]
        lines = [
            command(region, "events remove-targets --rule {rule} --ids {target}", rule=name, target=target["Id"])
            for target in search.all("events", "list_targets_by_rule", Rule=name)
        ]
        lines.append(command(region, "events delete-rule --name {name}", name=name))
        yield Found(Stage.STARTERS, Leftover("EventBridge rule", name, "its name", tuple(lines)))


def find_schedules(search: Search) -> Iterator[Found]:
    """The group of the stack's schedules, which are deleted with it. Raises botocore's errors."""
    name = search.subject.cluster_name
    try:
        group = search.calls.ask("scheduler", "get_schedule_group", Name=name)
    except Exception as error:
        if is_absent(error):
            return
        raise
    if group.get("State") == "DELETING":
        yield Found(Stage.STARTERS, Leftover("schedule group", name, "its state is DELETING"), "going")
        return
    count = len(list(search.all("scheduler", "list_schedules", GroupName=name)))
    line = command(search.subject.region, "scheduler delete-schedule-group --name {name}", name=name)
    yield Found(Stage.STARTERS, Leftover("schedule group", name, f"its name; schedules in it: {count}", (line,)))


def find_state_machines(search: Search) -> Iterator[Found]:
    """State machines of Step Functions. Raises botocore's errors."""
    for each in search.all("stepfunctions", "list_state_machines"):
        arn = each["stateMachineArn"]
        if own_name(search.subject, each["name"]):
            words = "stepfunctions delete-state-machine --state-machine-arn {arn}"
            line = command(search.subject.region, words, arn=arn)
            yield Found(Stage.STARTERS, Leftover("state machine", arn, "its name", (line,)))


def find_budget(search: Search) -> Iterator[Found]:
    """The budget. Raises botocore's errors."""
    subject = search.subject
    try:
        search.calls.ask("budgets", "describe_budget", AccountId=subject.account_id, BudgetName=subject.cluster_name)
    except Exception as error:
        if is_absent(error):
            return
        raise
    words = "budgets delete-budget --account-id {account} --budget-name {name}"
    line = command(subject.region, words, account=subject.account_id, name=subject.cluster_name)
    yield Found(Stage.RECORDS, Leftover("budget", subject.cluster_name, "its name", (line,)))


FINDERS = (
    Finder("EventBridge rules", find_rules, frozenset({"events:rule"})),
    Finder("schedules", find_schedules, frozenset({"scheduler:schedule-group", "scheduler:schedule"})),
    Finder("state machines", find_state_machines, frozenset({"states:stateMachine"})),
    Finder("log groups", find_log_groups, frozenset({"logs:log-group"})),
    Finder("SQS queues", find_queues, frozenset({"sqs:"})),
    Finder("budgets", find_budget, frozenset({"budgets:budget"})),
)
