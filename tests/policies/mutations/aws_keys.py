"""What breaks each rule for KMS keys."""

import json
from typing import Any

from policies.aws import keys
from policies.aws.keys import KEY
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, changing, setting, without


def use(**changed: Any) -> Change:
    """Changes the statement by which the stack's own roles use the key of the data."""

    def change(properties: dict[str, Any]) -> None:
        document = json.loads(properties["policy"])
        document["Statement"][1].update(changed)
        properties["policy"] = json.dumps(document)

    return changing(KEY, change, name="keys-data")


ROLE = {"AWS": "arn:aws:iam::123456789012:role/trainyard-prod_trainer"}

MUTATIONS: dict[Rule, Mutation] = {
    keys.key_rotated: Mutation("prod", without(KEY, "enableKeyRotation")),
    keys.key_policy_not_public: Mutation("prod", use(Principal={"AWS": "*"}, Condition={})),
    keys.key_policy_least: Mutation("prod", use(Principal=ROLE, Action="kms:*")),
    keys.key_deletion_window: Mutation("prod", setting(KEY, 7, "deletionWindowInDays")),
}
