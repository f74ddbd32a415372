"""Names on Google Cloud: valid whatever project and stack are called, and never those of another stack."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp.naming import Names
from infra.platform import Identity

PROJECT = "ml-platform-example"
ANY_NAME = st.text(st.characters(codec="ascii", categories=("Ll", "Lu", "Nd"), include_characters="-_."), min_size=1)
TEAM = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)


def names(stack: str, project: str = "trainyard") -> Names:
    return Names(project, stack, PROJECT, "123456789012", "europe-west4")


@given(project=ANY_NAME, stack=ANY_NAME, team=TEAM)
def test_every_name_is_one_that_google_takes(project: str, stack: str, team: str) -> None:
    of = names(stack, project)
    purposes = ["node", "github-preview", *Identity, *(of.team_purpose(team, each) for each in Identity)]
    accounts = [of.service_account_id(purpose) for purpose in purposes]
    assert len(set(accounts)) == len(accounts)
    for account in accounts:
        assert re.fullmatch(r"[a-z0-9-]{6,30}", account)
    assert re.fullmatch(r"[a-z0-9-]{1,63}", of.bucket("checkpoints"))
    assert re.fullmatch(r"[a-z0-9-]{1,40}", of.cluster)
    assert re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", of.custom_role_id("expiry"))


@given(team=TEAM, identity=st.sampled_from(Identity))
def test_a_team_is_no_other_stack(team: str, identity: Identity) -> None:
    of_team = names("dev").service_account(names("dev").team_purpose(team, identity))
    assert of_team != names(f"dev-team-{team}").service_account(identity)
    assert of_team.removesuffix(f"@{PROJECT}.iam.gserviceaccount.com") != of_team


@pytest.mark.parametrize("service", ["storage", "container", "compute", "logging", "artifactregistry"])
def test_service_agents_are_named_by_the_number_of_the_project(service: str) -> None:
    assert re.fullmatch(
        r"serviceAccount:service-123456789012@[a-z-]+\.iam\.gserviceaccount\.com", names("dev").service_agent(service)
    )


def test_a_service_without_an_agent_is_none() -> None:
    with pytest.raises(KeyError, match="teapot"):
        names("dev").service_agent("teapot")
