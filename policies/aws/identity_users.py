"""Rules for users of IAM, their passwords and their keys: who signs in to AWS with something that lasts."""

from collections.abc import Iterator

from policies.resources import Resource
from policies.rules import Parameter, resource_rule
from policies.values import as_list, known

USER = "aws:iam/user:User"
ACCESS_KEY = "aws:iam/accessKey:AccessKey"
LOGIN_PROFILE = "aws:iam/userLoginProfile:UserLoginProfile"
SERVICE_CREDENTIAL = "aws:iam/serviceSpecificCredential:ServiceSpecificCredential"
PASSWORD_POLICY = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy"  # noqa: S105 - a type of resource
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
ATTACHMENT = "aws:iam/policyAttachment:PolicyAttachment"

_WHAT = {
    ACCESS_KEY: "an access key",
    LOGIN_PROFILE: "a password",
    SERVICE_CREDENTIAL: "a credential for one service",
}


@resource_rule(
    USER,
    id="aws-identity-no-users",
    title="There are no users of IAM.",
    severity="medium",
    frameworks=("CKV_AWS_273", "NIST IA-2", "NIST AC-2"),
    wrong="A user's credentials last until somebody withdraws them, and no directory knows when the person leaves.",
    mend="let people in through IAM Identity Center, and programs through roles, such as those of EKS Pod Identity.",
)
def no_users(_user: Resource) -> Iterator[str]:
    """Source: IAM user guide, "Security best practices in IAM"."""
    yield "It is a user of IAM."


@resource_rule(
    ACCESS_KEY,
    LOGIN_PROFILE,
    SERVICE_CREDENTIAL,
    id="aws-identity-no-static-keys",
    title="Nobody is given an access key or a password that lasts.",
    severity="high",
    frameworks=("CIS AWS 3.0.0 1.14", "AWS Security Hub IAM.3", "NIST IA-5(1)"),
    wrong="Whoever finds it is that user until somebody notices; it stands in the stack's state, too.",
    mend="use a role, whose credentials end by themselves.",
)
def no_static_keys(credential: Resource) -> Iterator[str]:
    """A key that is turned off harms nobody: that is how one is withdrawn."""
    if credential.type != LOGIN_PROFILE and known(credential.get("status", default="Active")) == "Inactive":
        return
    yield f"A user gets {_WHAT[credential.type]} that is valid until it is deleted."


@resource_rule(
    USER_POLICY,
    USER_ATTACHMENT,
    ATTACHMENT,
    id="aws-identity-no-user-policies",
    title="Policies are given to roles and groups, not to single users.",
    severity="low",
    frameworks=("CKV_AWS_40", "CIS AWS 3.0.0 1.15", "AWS Security Hub IAM.2", "NIST AC-2", "NIST AC-6"),
    wrong="Nobody sees at one place who may do what, and rights stay when a person's work changes.",
    mend="attach the policy to a role, or to a group that the user is in.",
)
def no_user_policies(policy: Resource) -> Iterator[str]:
    """An aws.iam.PolicyAttachment names roles, groups and users."""
    if policy.type != ATTACHMENT:
        yield "A policy is given to a single user."
    elif as_list(policy.get("users")):
        yield f"A policy is given to {len(as_list(policy.get('users')))} single users."


@resource_rule(
    PASSWORD_POLICY,
    id="aws-identity-password-policy",
    title="Passwords of users are long, and not used again.",
    severity="medium",
    frameworks=(
        "CKV_AWS_10",
        "CKV_AWS_13",
        "CIS AWS 3.0.0 1.8",
        "CIS AWS 3.0.0 1.9",
        "AWS Security Hub IAM.15",
        "NIST IA-5(1)",
    ),
    wrong="Passwords can be guessed, or are known from elsewhere.",
    mend="set minimumPasswordLength to 14 or more and passwordReusePrevention to 24.",
    parameters={
        "minimum_length": Parameter(14, "characters that a password has at least", minimum=8),
        "remembered": Parameter(24, "old passwords that are not taken again, 24 at most", minimum=1),
    },
)
def password_policy(policy: Resource, minimum_length: float, remembered: float) -> Iterator[str]:
    """Without a number AWS asks for 6 characters (8 where there is no policy), and remembers none."""
    with policy.apart():
        if (length := known(policy.get("minimumPasswordLength", default=6))) < minimum_length:
            yield f"A password may have {length} characters only."
    with policy.apart():
        if (kept := known(policy.get("passwordReusePrevention", default=0))) < remembered:
            yield f"Of old passwords {kept} are remembered."


RULES = (no_users, no_static_keys, no_user_policies, password_policy)
