"""Where Google's Cloud Scheduler keeps the jobs of a stack: in its region, or in the nearest that has it. Pure."""

JOBS_ELSEWHERE = {
    "northamerica-south1": "us-south1",
    "southamerica-west1": "southamerica-east1",
    "us-east5": "us-east4",
}
"""Where the jobs of stacks are in whose region Cloud Scheduler is not. A job that calls by HTTP may be in any region.

The first two are not in Google's table. Of us-east5 it is less certain: it is the one region of the United States that
the API has no endpoint of its own in. Sources: Cloud Scheduler, "Cloud Scheduler locations" (page with the regions of
2026-09-24), "About Cloud Scheduler" (supported regions by target); Cloud Scheduler API v1, endpoints of its discovery
document (revision 20261106).
"""


def region_of_jobs(region: str) -> str:
    """The region of the jobs of a stack."""
    return JOBS_ELSEWHERE.get(region, region)
