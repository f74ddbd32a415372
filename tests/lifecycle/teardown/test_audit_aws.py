"""The audit on AWS: names everything that a stack has left and nothing of others, and its commands remove it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.teardown.audit import AuditReport, audit, removal_lines
from lifecycle.teardown.subject import Subject, read_subject
from tests.lifecycle.teardown.leaks import Leaks
from tests.lifecycle.teardown.moto_cloud import ACCOUNT, MotoCloud

pytestmark = pytest.mark.xdist_group("moto_cloud")

STACK_FILE = """\
config:
  aws:region: eu-west-1
  aws:allowedAccountIds: ["{account}"]
  trainyard:cloud: aws
  trainyard:aws:
    account_id: "{account}"
"""
OTHERS = ("dev-2", "dev2")
"""Stacks whose names begin as that of the stack that is audited."""


def test_everything_of_the_stack_is_named_and_its_commands_remove_it(cloud: MotoCloud, tmp_path: Path) -> None:
    own = Leaks(cloud, "dev").plant()
    others = [Leaks(cloud, stack).plant() for stack in OTHERS]
    subject = make_subject(tmp_path)

    report = audit(subject)
    assert report.problems == ()
    assert {(each.kind, each.id) for each in report.leftovers} == own.planted
    assert all(each.removal and each.why for each in report.leftovers)
    assert {each.kind for each in report.going} == {"instance", "KMS key"}
    assert [each.id for each in report.retained] == ["trainyard-dev/quay/prometheus/node-exporter"]

    lines = removal_lines(report.leftovers)
    foreign = {name.partition(" ")[0] for other in others for _, name in other.planted}
    assert not [line for line in lines if foreign & set(shlex.split(line))]
    run(lines)

    again = audit(subject)
    assert (again.leftovers, again.problems) == ((), ())
    assert again.is_clean


def test_what_may_not_be_looked_at_is_a_problem_and_never_clean(cloud: MotoCloud, tmp_path: Path) -> None:
    ec2 = cloud.client("ec2")
    tags = [{"Key": "project", "Value": "trainyard"}, {"Key": "stack", "Value": "dev"}]
    specification = [{"ResourceType": "volume", "Tags": tags}]
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=specification)["VolumeId"]
    cloud.client("sns").create_topic(Name="unknown", Tags=tags)
    cloud.refused |= {"DescribeVolumes", "DescribeLoadBalancers", "DescribeNatGateways"}

    report = audit(make_subject(tmp_path))
    # The tagging API names what no finder could see.
    assert [(each.kind, each.id) for each in report.leftovers] == [("EBS volume", volume), ("SNS topic", "unknown")]
    refused = {"EBS volumes", "load balancers", "classic load balancers", "NAT gateways"}
    assert {problem.partition(":")[0] for problem in report.problems} == refused
    assert all("not authorized" in problem for problem in report.problems)
    assert not refused & set(report.looked_at)

    run(removal_lines(report.leftovers))
    empty = audit(make_subject(tmp_path))
    assert empty.leftovers == ()
    assert not empty.is_clean


def test_another_account_is_not_looked_at(cloud: MotoCloud, tmp_path: Path) -> None:
    report = audit(make_subject(tmp_path, account="999999999999"))
    assert_nothing_looked_at(
        report, f"the credentials are of account {ACCOUNT}, and stack dev is of account 999999999999"
    )
    assert cloud.asked == ["GetCallerIdentity"]


def test_without_credentials_nothing_is_known(
    cloud: MotoCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert_nothing_looked_at(audit(make_subject(tmp_path)), "there are no AWS credentials here")
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    assert_nothing_looked_at(audit(make_subject(tmp_path)), "nowhere")
    assert cloud.asked == []


def test_an_account_that_nobody_tells_is_not_looked_at(cloud: MotoCloud, tmp_path: Path) -> None:
    cloud.refused.add("GetCallerIdentity")
    assert_nothing_looked_at(audit(make_subject(tmp_path)), "AWS does not say of which account these credentials are")


def assert_nothing_looked_at(report: AuditReport, text: str) -> None:
    """Asserts that the audit has found nothing, says why, and is not clean."""
    assert (report.looked_at, report.leftovers, report.is_clean) == ((), (), False)
    assert len(report.problems) == 1
    assert text in report.problems[0]


def make_subject(folder: Path, stack: str = "dev", account: str = ACCOUNT) -> Subject:
    """A stack on AWS as its files describe it."""
    (folder / "Pulumi.yaml").write_text("name: trainyard\nruntime: python\n")
    (folder / f"Pulumi.{stack}.yaml").write_text(STACK_FILE.format(account=account))
    return read_subject(folder, stack)


def run(lines: list[str]) -> None:
    """Runs command lines as they are printed, by the real AWS command line interface.

    Plain ones in this process, since a start of it takes a second; what needs a shell in one.
    """
    from awscli.clidriver import create_clidriver

    definitions = create_clidriver().session.get_component("data_loader")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in lines:
        if line.startswith("aws "):
            driver = create_clidriver()
            driver.session.register_component("data_loader", definitions)
            # For some services it does not read the endpoint from the environment.
            words = [*shlex.split(line)[1:], "--endpoint-url", os.environ["AWS_ENDPOINT_URL"]]
            assert driver.main(words) == 0, line
        else:
            subprocess.run(["bash", "-euc", line], env={**os.environ, "PATH": path}, check=True, timeout=60)
