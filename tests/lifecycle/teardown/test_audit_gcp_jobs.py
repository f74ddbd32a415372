"""The audit finds what ends a stack also where that is in another region than the stack."""

from pathlib import Path

import pytest

from infra.gcp.expiry import Expiry, ExpiryArguments
from infra.gcp.naming import Names
from lifecycle.teardown.audit import audit
from lifecycle.teardown.subject import read_subject
from planning.google_scheduler import JOBS_ELSEWHERE
from tests.infra.recorder import record
from tests.lifecycle.teardown.google_stand_in import NUMBER, PROJECT, GoogleStandIn

STACK_FILE = """\
config:
  gcp:project: {project}
  gcp:region: {region}
  trainyard:cloud: gcp
  trainyard:gcp:
    project_number: "{number}"
"""


@pytest.mark.parametrize("region", JOBS_ELSEWHERE)
def test_jobs_are_found_in_the_region_that_the_platform_puts_them_into(
    google: GoogleStandIn, tmp_path: Path, region: str
) -> None:
    names = Names("trainyard", "dev", PROJECT, NUMBER, region)
    arguments = ExpiryArguments(
        names=names,
        expires_at="2027-01-01T00:00:00Z",
        cluster_name=names.cluster,
        location=region,
        node_pools={},
        machine_name=names.resource("machine-1"),
        machine_zone=f"{region}-a",
    )
    jobs = [each.inputs for each in record(lambda: Expiry("expiry", arguments)).all("gcp:cloudscheduler/job:Job")]
    for job in jobs:
        path = f"projects/{PROJECT}/locations/{job['region']}/jobs/{job['name']}"
        google.put("cloudscheduler", path, httpTarget={"uri": job["httpTarget"]["uri"]})
    (tmp_path / "Pulumi.yaml").write_text("name: trainyard\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK_FILE.format(project=PROJECT, number=NUMBER, region=region))
    left = {each.id: each.removal for each in audit(read_subject(tmp_path, "dev")).leftovers}
    assert left == {
        job["name"]: (
            f"gcloud scheduler jobs delete {job['name']} --location={job['region']} --project={PROJECT} --quiet",
        )
        for job in jobs
    }
