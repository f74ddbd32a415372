"""Cases of the rules for the policies of S3 buckets."""

import json
from typing import Any

from policies.aws import storage_policies
from policies.aws.storage_parts import BUCKET, BUCKET_V2, POLICY
from policies.cases import Cases, made
from policies.resources import Resource

ARN = "arn:aws:s3:::data"
DATA = made(BUCKET, "data", {"bucket": "data"})
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def allow(principal: Any, condition: Any = None, **more: Any) -> dict[str, Any]:
    """A statement that lets somebody read."""
    stated = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"{ARN}/*", **more}
    return stated | ({"Condition": condition} if condition else {})


def deny(condition: Any = None, **more: Any) -> dict[str, Any]:
    """A statement that refuses everything."""
    stated = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"], **more}
    return stated | ({"Condition": condition} if condition else {})


def policy(*statements: dict[str, Any], sid: str = "") -> Resource:
    """A policy as the text that programs write."""
    stated = [{**({"Sid": sid} if sid else {}), **each} for each in statements]
    return made(POLICY, "data", {"bucket": "data", "policy": json.dumps({"Statement": stated})})


def document(*statements: dict[str, Any]) -> Resource:
    """A policy as an object."""
    return made(POLICY, "data", {"policy": {"Version": "2012-10-17", "Statement": list(statements)}})


def inline(type_: str, *statements: dict[str, Any]) -> Resource:
    """A bucket that has its policy within it."""
    return made(type_, "data", {"bucket": "data", "policy": json.dumps({"Statement": list(statements)})})


def public_by(condition: Any) -> tuple[Resource, str]:
    """A case that fails whatever the condition seems to say."""
    return policy(allow("*", condition)), "lets everybody in"


CASES = (
    Cases(
        storage_policies.bucket_tls_only,
        passing=[
            [DATA, policy(deny(PLAIN))],
            [DATA, policy(allow("*"), deny(PLAIN, Action="*", Principal={"AWS": "*"}))],
            [DATA, policy(deny({"Bool": {"aws:SecureTransport": [False]}}))],
            [DATA, policy(deny({"BoolIfExists": {"AWS:SecureTransport": "false"}}, Resource="*"))],
            [DATA, policy(deny(PLAIN, Resource=ARN), deny(PLAIN, Resource=f"{ARN}/*"))],
            [DATA, policy(deny(PLAIN, Resource=f"{ARN}*"))],
            inline(BUCKET, deny(PLAIN)),
            inline(BUCKET_V2, deny(PLAIN)),
        ],
        failing=[
            (DATA, "lets objects be read and written without TLS"),
            ([DATA, policy(allow({"AWS": "123456789012"}))], "objects be read and written without TLS"),
            ([DATA, policy(deny(PLAIN, Resource=ARN))], "objects be read and written without TLS"),
            ([DATA, policy(deny(PLAIN, Resource=f"{ARN}/public/*"))], "objects be read and written without TLS"),
            ([DATA, policy(deny(PLAIN, Resource=f"{ARN}/*"))], "the bucket itself be listed and changed without TLS"),
            ([DATA, policy(deny(PLAIN, Action="s3:PutObject"))], "objects be read and written without TLS"),
            ([DATA, policy(deny(PLAIN, Principal={"AWS": "123456789012"}))], "objects be read and written without TLS"),
            ([DATA, policy(deny({"Bool": {"aws:SecureTransport": "true"}}))], "objects be read and written"),
            ([DATA, policy(deny({**PLAIN, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))], "objects be read"),
            ([DATA, policy(allow({"AWS": "123456789012"}, PLAIN))], "objects be read and written without TLS"),
            (inline(BUCKET, deny({"NumericLessThan": {"s3:TlsVersion": "1.2"}})), "objects be read and written"),
        ],
    ),
    Cases(
        storage_policies.bucket_policy_not_public,
        passing=[
            DATA,
            policy(deny(PLAIN)),
            policy(allow({"AWS": "arn:aws:iam::123456789012:role/trainer"})),
            policy(allow({"Service": "cloudfront.amazonaws.com"}, ACCOUNT)),
            policy(allow("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}})),
            policy(allow("*", {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}})),
            policy(allow("*", {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}})),
            policy(allow("*", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3/r-1/*"}})),
            policy(allow("*", {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}})),
            policy(allow("*", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:source"}})),
            policy(allow("*", {"StringLike": {"aws:userId": ["AROAEXAMPLEID:*", "123456789012"]}})),
            document(allow({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}})),
            made(
                storage_policies.ACCESS_POINT,
                "it",
                {"vpcConfiguration": {"vpcId": "vpc-1"}, "policy": json.dumps({"Statement": allow("*")})},
            ),
        ],
        failing=[
            (policy(allow("*"), sid="Read"), "Statement Read lets everybody in"),
            (policy(allow({"AWS": ["arn:aws:iam::123456789012:root", "*"]})), "A statement lets everybody in"),
            (document(deny(PLAIN), allow({"AWS": "*"})), "lets everybody in"),
            (policy(allow({"AWS": "arn:aws:iam::*:root"})), "A statement lets everybody in"),
            (policy({**allow("x"), "Principal": None, "NotPrincipal": {"AWS": "123456789012"}}), "lets everybody in"),
            (inline(BUCKET, allow("*")), "lets everybody in"),
            (made(storage_policies.ACCESS_POINT_POLICY, "it", {"policy": {"Statement": allow("*")}}), "everybody"),
            public_by({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}),
            public_by({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3"}}),
            public_by({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3/*"}}),
            public_by({"StringLike": {"aws:SourceVpce": "vpce-*"}}),
            public_by({"StringLike": {"aws:SourceVpce": "vpce-0*"}}),
            public_by({"StringLike": {"aws:PrincipalAccount": "????????????"}}),
            public_by({"StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}}),
            public_by({"StringLike": {"aws:SourceArn": "arn:aws:sns:*"}}),
            public_by({"StringLike": {"aws:SourceAccount": ["123456789012", "*"]}}),
            public_by({"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}),
            public_by({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
            public_by({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}}),
            public_by({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/trainer"}}),
            public_by({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}),
            public_by({"StringLike": {"aws:Referer": "https://example.com/*"}}),
            public_by({"Bool": {"aws:SecureTransport": "true"}}),
        ],
    ),
    Cases(
        storage_policies.bucket_policy_names_source,
        passing=[
            DATA,
            policy(allow({"Service": "logging.s3.amazonaws.com"}, ACCOUNT)),
            policy(allow({"Service": "cloudtrail.amazonaws.com"}, {"StringEquals": {"aws:SourceArn": "arn:aws:x:y"}})),
            policy(allow({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"})),
            policy(allow({"AWS": "123456789012"})),
            policy(deny(Principal={"Service": "logging.s3.amazonaws.com"})),
        ],
        failing=[
            (policy(allow({"Service": "logging.s3.amazonaws.com"})), "lets logging.s3.amazonaws.com in, whoever"),
            (
                policy(
                    allow(
                        {"Service": ["delivery.logs.amazonaws.com", "cloudtrail.amazonaws.com"]},
                        {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
                    )
                ),
                "lets delivery.logs.amazonaws.com, cloudtrail.amazonaws.com in",
            ),
            (inline(BUCKET, allow({"Service": "cloudfront.amazonaws.com"})), "lets cloudfront.amazonaws.com in"),
        ],
    ),
    Cases(
        storage_policies.bucket_policy_no_lockout,
        passing=[
            policy(deny(PLAIN)),
            policy(deny(Resource=f"{ARN}/*")),
            policy(deny(Action="s3:DeleteObject")),
            policy(deny(Principal={"AWS": "arn:aws:iam::123456789012:role/trainer"})),
            policy({**deny(), "Principal": None, "NotPrincipal": {"AWS": "123456789012"}}),
        ],
        failing=[
            (policy(deny(), sid="Freeze"), "Statement Freeze keeps everybody from changing the policy."),
            (policy(deny(Action=["s3:GetObject", "s3:Put*"], Principal={"AWS": "*"})), "from changing the policy"),
            (inline(BUCKET, deny(Action="s3:DeleteBucketPolicy", Resource=ARN)), "from changing the policy"),
        ],
    ),
)
