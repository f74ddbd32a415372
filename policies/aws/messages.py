"""Rules for queues, topics and event buses."""

from collections.abc import Iterator

from policies.aws.resource_policies import SOURCES, fixes_caller, is_for_service, open_statements, titled
from policies.policy_documents import statements
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule, resource_rule
from policies.values import as_list, get, known

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
BUS_POLICY = "aws:cloudwatch/eventBusPolicy:EventBusPolicy"
BUS_PERMISSION = "aws:cloudwatch/eventPermission:EventPermission"

_EVENTS = "events.amazonaws.com"


@resource_rule(
    QUEUE,
    id="aws-queue-encrypted",
    title="Messages in SQS are encrypted.",
    severity="medium",
    frameworks=("CKV_AWS_27", "NIST SC-28"),
    wrong="Messages that wait lie in clear text on AWS's disks.",
    mend="take sqsManagedSseEnabled false out, or set kmsMasterKeyId.",
)
def queue_encrypted(queue: Resource) -> Iterator[str]:
    """SQS encrypts a new queue with a key of its own unless it is told not to.

    Source: SQS API, CreateQueue, SqsManagedSseEnabled; the provider leaves out what the program does.
    """
    if known(queue.get("sqsManagedSseEnabled")) in (False, "false") and not known(queue.get("kmsMasterKeyId")):
        yield "The queue is not encrypted."


@related_rule(
    TOPIC,
    id="aws-topic-encrypted",
    title="Messages in SNS are encrypted.",
    severity="medium",
    frameworks=("CKV_AWS_26", "NIST SC-28"),
    wrong="Messages that wait lie in clear text on AWS's disks.",
    mend="set kmsMasterKeyId to a key that those who publish may use.",
)
def topic_encrypted(topic: Resource, _stack: Stack) -> Iterator[str]:
    """The key that AWS manages will do, though services of AWS's cannot publish under it."""
    if not is_given(topic, "kmsMasterKeyId"):
        yield "The topic is not encrypted."


@resource_rule(
    QUEUE,
    QUEUE_POLICY,
    id="aws-queue-policy-not-public",
    title="No policy of a queue lets everybody in.",
    severity="high",
    frameworks=("CKV_AWS_168", "CKV_AWS_387", "NIST AC-3", "NIST AC-6"),
    wrong="The whole internet can then read the messages, or send such as set off what they like.",
    mend="name the principals, or add a condition on aws:SourceArn, aws:SourceAccount or aws:PrincipalOrgID.",
)
def queue_policy_not_public(resource: Resource) -> Iterator[str]:
    """The policy may be the queue's own property or a resource by itself."""
    for statement in open_statements(resource, resource.get("policy")):
        yield f"{titled(statement)} lets everybody in, under no condition that says who comes."


@resource_rule(
    TOPIC,
    TOPIC_POLICY,
    id="aws-topic-policy-not-public",
    title="No policy of a topic lets everybody in.",
    severity="high",
    frameworks=("CKV_AWS_169", "NIST AC-3", "NIST AC-6"),
    wrong="The whole internet can then listen, or publish such as set off what they like.",
    mend="name the principals, or add a condition on aws:SourceArn, aws:SourceOwner or aws:PrincipalOrgID.",
)
def topic_policy_not_public(resource: Resource) -> Iterator[str]:
    """A topic that has no policy is its account's; SNS writes that as everybody on condition of aws:SourceOwner."""
    for statement in open_statements(resource, resource.get("policy")):
        yield f"{titled(statement)} lets everybody in, under no condition that says who comes."


@resource_rule(
    BUS_POLICY,
    BUS_PERMISSION,
    id="aws-event-bus-not-public",
    title="No policy of an event bus lets everybody in.",
    severity="high",
    frameworks=("NIST AC-3", "NIST AC-6"),
    wrong="Every account of AWS's can then send events such as set off what they like.",
    mend="name the accounts, or add a condition on aws:PrincipalOrgID.",
)
def event_bus_not_public(resource: Resource) -> Iterator[str]:
    """A permission has a principal, and a condition on the organization, as properties."""
    if resource.type == BUS_POLICY:
        for statement in open_statements(resource, resource.get("policy")):
            yield f"{titled(statement)} lets everybody in, under no condition that says who comes."
    elif resource.get("principal") == "*" and not get(resource.get("condition"), "value"):
        yield "The permission lets everybody in, under no condition that says who comes."


@resource_rule(
    QUEUE,
    QUEUE_POLICY,
    TOPIC,
    TOPIC_POLICY,
    id="aws-messages-name-source",
    title="A service of AWS's may send messages for the sake of named accounts or resources only.",
    severity="medium",
    frameworks=("NIST AC-4", "NIST AC-6"),
    wrong="Anybody can then have the service send what they like from an account of their own.",
    mend="add a condition on aws:SourceArn or aws:SourceAccount to the statement.",
)
def messages_name_source(resource: Resource) -> Iterator[str]:
    """EventBridge publishes to topics under no condition; their policies name it as its guide does.

    Source: IAM user guide, "The confused deputy problem"; EventBridge user guide, "Amazon SNS permissions".
    """
    for statement in statements(resource, resource.get("policy")):
        with resource.apart():
            if is_for_service(statement) and not fixes_caller(statement, SOURCES):
                services = [known(each) for each in as_list(statement["Principal"]["Service"])]
                if resource.type in (QUEUE, QUEUE_POLICY) or services != [_EVENTS]:
                    yield f"{titled(statement)} lets {', '.join(services)} in, whoever it acts for."


RULES: tuple[Rule, ...] = (
    queue_encrypted,
    topic_encrypted,
    queue_policy_not_public,
    topic_policy_not_public,
    event_bus_not_public,
    messages_name_source,
)
