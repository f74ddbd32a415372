"""What breaks each rule for registries, queues, topics, log groups and trails."""

import json
from typing import Any

from policies.aws import logs, messages, registry, schedules
from policies.aws.logs import LOG_GROUP, TRAIL
from policies.aws.messages import BUS_PERMISSION, QUEUE, QUEUE_POLICY, TOPIC, TOPIC_POLICY
from policies.aws.registry import REPOSITORY, REPOSITORY_POLICY
from policies.aws.trust import ROLE
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, changing, setting, without

ORGANIZATION = "corpus/aws_registry_organization"
NOTICES = "corpus/aws_queue_notices"
EVERYTHING = "corpus/aws_logs_trail"


def unconditional(type_: str, **changed: Any) -> Change:
    """Takes the condition off the first statement of a policy."""

    def change(properties: dict[str, Any]) -> None:
        document = json.loads(properties["policy"])
        document["Statement"][0] |= {"Condition": {}, **changed}
        properties["policy"] = json.dumps(document)

    return changing(type_, change)


def shared_with(type_: str, service: str, *, name: str) -> Change:
    """Lets another service of AWS's take a role."""

    def change(properties: dict[str, Any]) -> None:
        document = json.loads(properties["assumeRolePolicy"])
        trusted = document["Statement"][0]["Principal"]
        trusted["Service"] = [trusted["Service"], service]
        properties["assumeRolePolicy"] = json.dumps(document)

    return changing(type_, change, name=name)


MUTATIONS: dict[Rule, Mutation] = {
    registry.registry_immutable_tags: Mutation("prod", without(REPOSITORY, "imageTagMutability")),
    registry.registry_scanned: Mutation("prod", setting(REPOSITORY, False, "imageScanningConfiguration", "scanOnPush")),
    registry.registry_customer_managed_key: Mutation("prod", without(REPOSITORY, "encryptionConfigurations")),
    registry.registry_policy_not_public: Mutation(ORGANIZATION, unconditional(REPOSITORY_POLICY)),
    messages.queue_encrypted: Mutation("prod", setting(QUEUE, False, "sqsManagedSseEnabled")),
    messages.topic_encrypted: Mutation(NOTICES, without(TOPIC, "kmsMasterKeyId")),
    messages.queue_policy_not_public: Mutation("prod", unconditional(QUEUE_POLICY, Principal="*")),
    messages.topic_policy_not_public: Mutation(NOTICES, unconditional(TOPIC_POLICY)),
    messages.event_bus_not_public: Mutation(NOTICES, without(BUS_PERMISSION, "condition")),
    messages.messages_name_source: Mutation("prod", unconditional(QUEUE_POLICY)),
    schedules.customer_managed_key: Mutation("dev", without(schedules.SCHEDULE, "kmsKeyArn")),
    schedules.role_of_its_own: Mutation("dev", shared_with(ROLE, "lambda.amazonaws.com", name="expiry")),
    logs.log_group_customer_managed_key: Mutation("dev", without(LOG_GROUP, "kmsKeyId")),
    logs.log_group_retention: Mutation("dev", setting(LOG_GROUP, 7, "retentionInDays")),
    logs.trail_complete: Mutation(EVERYTHING, without(TRAIL, "isMultiRegionTrail")),
    logs.trail_validated: Mutation(EVERYTHING, without(TRAIL, "enableLogFileValidation")),
    logs.trail_customer_managed_key: Mutation(EVERYTHING, without(TRAIL, "kmsKeyId")),
}
