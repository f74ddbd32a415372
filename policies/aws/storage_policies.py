"""Rules for the policies of S3 buckets and of their access points."""

from collections.abc import Iterator

from policies.aws.resource_policies import (
    SOURCES,
    fixes_caller,
    is_for_service,
    names_everybody,
    open_statements,
    titled,
)
from policies.aws.storage_parts import BUCKETS, POLICY, policies
from policies.policy_documents import Statement, is_wild, matching, statements, values
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, known

ACCESS_POINT = "aws:s3/accessPoint:AccessPoint"
ACCESS_POINT_POLICY = "aws:s3control/accessPointPolicy:AccessPointPolicy"

_CHANGES_OF_POLICY = frozenset({"s3:deletebucketpolicy", "s3:putbucketpolicy"})
_NAMES_NO_SOURCE = frozenset({"logdelivery.elasticloadbalancing.amazonaws.com"})
"""Services whose guide has no condition. Source: Application Load Balancers user guide, "Enable access logs"."""


@related_rule(
    *BUCKETS,
    id="aws-bucket-tls-only",
    title="Buckets refuse requests that are not encrypted.",
    severity="medium",
    frameworks=("CKV_AWS_379", "CIS AWS 3.0.0 2.1.1", "NIST SC-8"),
    wrong="Whoever sits between can then read and change data, and take signed requests.",
    mend="add to the bucket's policy a Deny of s3:* for everybody, on the bucket and its objects, on condition that "
    "aws:SecureTransport is false.",
)
def bucket_tls_only(bucket: Resource, stack: Stack) -> Iterator[str]:
    """S3 answers plain HTTP as well. Two statements may refuse it together; one more condition lets some through."""
    objects_refused = bucket_refused = False
    for policy in policies(bucket, stack):
        for statement in statements(bucket, policy, "Deny"):
            with bucket.apart():
                if _refuses_plain_requests(statement):
                    patterns = [str(known(each)) for each in values(statement, "Resource")]
                    objects_refused |= any(_stands_for_objects(each) for each in patterns)
                    bucket_refused |= any(_stands_for_bucket(each) for each in patterns)
    # What could not be read may be what refuses them.
    if bucket.undecided:
        return
    if not objects_refused:
        yield "The bucket's policy lets objects be read and written without TLS."
    elif not bucket_refused:
        yield "The bucket's policy lets the bucket itself be listed and changed without TLS."


def _refuses_plain_requests(statement: Statement) -> bool:
    condition = known(get(statement, "Condition", default={}))
    return (
        names_everybody(statement)
        and any_holds(lambda each: known(each) in ("*", "s3:*"), values(statement, "Action"))
        and len(condition) > 0
        and all_hold(lambda operator: _is_about_transport(operator, condition[operator]), condition)
    )


def _is_about_transport(operator: str, tests: object) -> bool:
    if operator.lower() not in ("bool", "boolifexists"):
        return False
    by_key = known(tests)
    return all_hold(lambda key: key.lower() == "aws:securetransport" and _is_false(by_key[key]), by_key)


def _is_false(value: object) -> bool:
    return all_hold(lambda each: str(known(each)).lower() == "false", as_list(value))


def _stands_for_objects(pattern: str) -> bool:
    name, slash, key = pattern.partition("/")
    return is_wild(key) if slash else name.endswith("*")


def _stands_for_bucket(pattern: str) -> bool:
    return "/" not in pattern


@resource_rule(
    *BUCKETS,
    POLICY,
    ACCESS_POINT,
    ACCESS_POINT_POLICY,
    id="aws-bucket-policy-not-public",
    title="No policy of a bucket lets everybody in.",
    severity="critical",
    frameworks=("CKV_AWS_70", "NIST AC-3", "NIST AC-6"),
    wrong="The whole internet can then do what the statement allows.",
    mend="name the principals, or add a condition such as aws:PrincipalOrgID, aws:SourceVpce or aws:SourceAccount.",
)
def bucket_policy_not_public(resource: Resource) -> Iterator[str]:
    """The network that an access point belongs to lets nobody else in."""
    for statement in open_statements(resource, resource.get("policy")):
        if resource.get("vpcConfiguration") is None:
            yield f"{titled(statement)} lets everybody in, under no condition that says who comes."


@resource_rule(
    *BUCKETS,
    POLICY,
    id="aws-bucket-policy-names-source",
    title="A service of AWS's may use a bucket for the sake of named accounts or resources only.",
    severity="medium",
    frameworks=("NIST AC-4", "NIST AC-6"),
    wrong="Anybody can then have the service write into the bucket, or read from it, for an account of their own.",
    mend="add a condition on aws:SourceAccount or aws:SourceArn to the statement.",
)
def bucket_policy_names_source(resource: Resource) -> Iterator[str]:
    """Source: IAM user guide, "The confused deputy problem"."""
    for statement in statements(resource, resource.get("policy")):
        with resource.apart():
            if is_for_service(statement) and not fixes_caller(statement, SOURCES):
                services = [known(each) for each in as_list(statement["Principal"]["Service"])]
                if not _NAMES_NO_SOURCE.issuperset(services):
                    yield f"{titled(statement)} lets {', '.join(services)} in, whoever it acts for."


@resource_rule(
    *BUCKETS,
    POLICY,
    id="aws-bucket-policy-no-lockout",
    title="No policy of a bucket locks out those who look after it.",
    severity="medium",
    frameworks=("CKV_AWS_93", "NIST AC-3"),
    wrong="Only the account's root user can then mend the policy.",
    mend="give the Deny a condition, or leave s3:PutBucketPolicy out of it.",
)
def bucket_policy_no_lockout(resource: Resource) -> Iterator[str]:
    """It is about a Deny for everybody, always, of what would change the policy."""
    for statement in statements(resource, resource.get("policy"), "Deny"):
        with resource.apart():
            if (
                known(get(statement, "Condition")) is None
                and names_everybody(statement)
                and any_holds(_changes_policy, values(statement, "Action"))
                and any_holds(lambda each: _stands_for_bucket(known(each)), values(statement, "Resource"))
            ):
                yield f"{titled(statement)} keeps everybody from changing the policy."


def _changes_policy(action: str) -> bool:
    return len(matching(known(action), _CHANGES_OF_POLICY)) > 0


RULES: tuple[Rule, ...] = (
    bucket_tls_only,
    bucket_policy_not_public,
    bucket_policy_names_source,
    bucket_policy_no_lockout,
)
