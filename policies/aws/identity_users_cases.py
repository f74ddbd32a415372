"""Cases of the rules for users of IAM."""

from policies.aws import identity_users
from policies.aws.identity_users import (
    ACCESS_KEY,
    ATTACHMENT,
    LOGIN_PROFILE,
    PASSWORD_POLICY,
    SERVICE_CREDENTIAL,
    USER,
    USER_ATTACHMENT,
    USER_POLICY,
)
from policies.cases import Cases, made

POLICY_ARN = "arn:aws:iam::123456789012:policy/reads"

CASES = (
    Cases(
        identity_users.no_users,
        passing=[made("aws:iam/role:Role", "deployer"), made("aws:iam/group:Group", "readers")],
        failing=[(made(USER, "ada", {"name": "ada"}), "It is a user of IAM.")],
    ),
    Cases(
        identity_users.no_static_keys,
        passing=[made(ACCESS_KEY, "old", {"user": "ci", "status": "Inactive"}), made("aws:iam/role:Role", "ci")],
        failing=[
            (made(ACCESS_KEY, "ci", {"user": "ci"}), "A user gets an access key that is valid until it is deleted."),
            (made(ACCESS_KEY, "ci", {"user": "ci", "status": "Active"}), "A user gets an access key"),
            (made(LOGIN_PROFILE, "ada", {"user": "ada"}), "A user gets a password"),
            (made(SERVICE_CREDENTIAL, "git", {"userName": "ada"}), "A user gets a credential for one service"),
        ],
    ),
    Cases(
        identity_users.no_user_policies,
        passing=[
            made(ATTACHMENT, "roles", {"policyArn": POLICY_ARN, "roles": ["deployer"], "groups": ["readers"]}),
            made(ATTACHMENT, "none", {"policyArn": POLICY_ARN, "roles": ["deployer"], "users": []}),
        ],
        failing=[
            (made(USER_POLICY, "ada", {"user": "ada", "policy": "{}"}), "A policy is given to a single user."),
            (made(USER_ATTACHMENT, "ada", {"user": "ada", "policyArn": POLICY_ARN}), "A policy is given to a single"),
            (made(ATTACHMENT, "both", {"policyArn": POLICY_ARN, "users": ["ada", "ben"]}), "given to 2 single users."),
        ],
    ),
    Cases(
        identity_users.password_policy,
        passing=[
            made(PASSWORD_POLICY, "it", {"minimumPasswordLength": 14, "passwordReusePrevention": 24}),
            made(PASSWORD_POLICY, "it", {"minimumPasswordLength": 20, "passwordReusePrevention": 24}),
        ],
        failing=[
            (
                made(PASSWORD_POLICY, "it", {"minimumPasswordLength": 13, "passwordReusePrevention": 24}),
                "A password may have 13 characters only.",
            ),
            (made(PASSWORD_POLICY, "it", {"passwordReusePrevention": 24}), "A password may have 6 characters only."),
            (made(PASSWORD_POLICY, "it", {"minimumPasswordLength": 14}), "Of old passwords 0 are remembered."),
        ],
    ),
)
