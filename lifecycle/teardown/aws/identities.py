"""Finds identities: roles, policies, instance profiles, and the identity provider of a cluster. IAM has no region."""

from collections.abc import Iterator

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.ownership import mark_of, own_name, tag_map


def find_profiles(search: Search) -> Iterator[Found]:
    """Instance profiles: the stack's own, and those that Karpenter makes. Raises botocore's errors."""
    subject = search.subject
    karpenter = f"/karpenter/{subject.region}/{subject.cluster_name}/"
    for each in search.all("iam", "list_instance_profiles"):
        name = each["InstanceProfileName"]
        if not own_name(subject, name) and not each["Path"].startswith(karpenter):
            continue
        lines = [
            command(
                subject.region,
                "iam remove-role-from-instance-profile --instance-profile-name {name} --role-name {role}",
                name=name,
                role=role["RoleName"],
            )
            for role in each["Roles"]
        ]
        lines.append(command(subject.region, "iam delete-instance-profile --instance-profile-name {name}", name=name))
        yield Found(Stage.PROFILES, Leftover("instance profile", name, "its name", tuple(lines)))


def find_roles(search: Search) -> Iterator[Found]:
    """Roles. Those that AWS' own services use are shared by the whole account, and not looked at.

    Raises botocore's errors.
    """
    region = search.subject.region
    for each in search.all("iam", "list_roles"):
        name = each["RoleName"]
        if not own_name(search.subject, name) or each["Path"].startswith("/aws-service-role/"):
            continue
        lines = [
            command(
                region,
                "iam detach-role-policy --role-name {role} --policy-arn {arn}",
                role=name,
                arn=policy["PolicyArn"],
            )
            for policy in search.all("iam", "list_attached_role_policies", RoleName=name)
        ]
        lines += [
            command(
                region, "iam delete-role-policy --role-name {role} --policy-name {policy}", role=name, policy=policy
            )
            for policy in search.calls.all("iam", "list_role_policies", RoleName=name)
        ]
        lines += [
            command(
                region,
                "iam remove-role-from-instance-profile --instance-profile-name {profile} --role-name {role}",
                profile=profile["InstanceProfileName"],
                role=name,
            )
            for profile in search.all("iam", "list_instance_profiles_for_role", RoleName=name)
            # The removal of a profile that goes, too, has let go of it.
            if not own_name(search.subject, profile["InstanceProfileName"])
        ]
        lines.append(command(region, "iam delete-role --role-name {role}", role=name))
        yield Found(Stage.IDENTITIES, Leftover("IAM role", name, "its name", tuple(lines)))


def find_policies(search: Search) -> Iterator[Found]:
    """Policies of the account's own. Raises botocore's errors."""
    region = search.subject.region
    for each in search.all("iam", "list_policies", Scope="Local"):
        arn = each["Arn"]
        if not own_name(search.subject, each["PolicyName"]):
            continue
        lines = [
            command(
                region,
                "iam delete-policy-version --policy-arn {arn} --version-id {version}",
                arn=arn,
                version=version["VersionId"],
            )
            for version in search.all("iam", "list_policy_versions", PolicyArn=arn)
            if not version["IsDefaultVersion"]
        ]
        lines.append(command(region, "iam delete-policy --policy-arn {arn}", arn=arn))
        yield Found(Stage.POLICIES, Leftover("IAM policy", arn, "its name", tuple(lines)))


def find_providers(search: Search) -> Iterator[Found]:
    """Identity providers, by which a cluster's pods got their roles. Raises botocore's errors."""
    for each in search.all("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = each["Arn"]
        asked = search.calls.ask("iam", "list_open_id_connect_provider_tags", OpenIDConnectProviderArn=arn)
        why = mark_of(search.subject, tag_map(asked.get("Tags")))
        if why:
            words = "iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}"
            yield Found(
                Stage.IDENTITIES,
                Leftover("OIDC provider", arn, why, (command(search.subject.region, words, arn=arn),)),
            )


FINDERS = (
    Finder("instance profiles", find_profiles, frozenset({"iam:instance-profile"})),
    Finder("IAM roles", find_roles, frozenset({"iam:role"})),
    Finder("IAM policies", find_policies, frozenset({"iam:policy"})),
    Finder("OIDC providers", find_providers, frozenset({"iam:oidc-provider"})),
)
