"""What breaks each rule for identities of the local platform."""

from typing import Any

from policies.local import identity
from policies.local.types import IDENTITY
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, setting


def _granting(**statement: Any) -> Change:
    """Policies are known in an update only: this gives one that is."""
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/digits/*", **statement}
    return setting(IDENTITY, {"Version": "2012-10-17", "Statement": [allowed]}, "policy")


MUTATIONS: dict[Rule, Mutation] = {
    identity.no_wildcard_action: Mutation("local", _granting(Action="s3:*")),
    identity.no_wildcard_resource: Mutation("local", _granting(Resource="*")),
    identity.no_privilege_escalation: Mutation("local", _granting(Action="s3:PutBucketPolicy")),
}
