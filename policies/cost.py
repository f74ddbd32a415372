"""Cost rules: nothing runs without an end, and everything has somebody who pays for it."""

from collections.abc import Iterator, Sequence

from policies.rules import LOCAL_JOB, Objection, Parameter, Resource, resource_rule, stack_rule

_UNASSIGNED = "unassigned"
_TAGS = ("owner", "cost_centre")


@resource_rule(
    [LOCAL_JOB],
    id="job-has-deadline",
    title="Jobs have a maximum run time.",
    severity="medium",
    level="mandatory",
    frameworks=("NIST SC-5",),
    wrong="A job that hangs then holds its machines, and costs money, until somebody notices.",
    mend="give the job deadline_seconds (for training: trainyard:training.max_runtime_minutes).",
    parameters={"maximum_hours": Parameter(168, "The longest deadline a job may have, in hours.")},
)
def job_has_deadline(job: Resource, *, maximum_hours: float) -> Iterator[str]:
    """The deadline is in seconds."""
    deadline = job.properties.get("deadline_seconds")
    if not deadline or deadline <= 0:
        yield "The job has no deadline."
    elif deadline > maximum_hours * 3600:
        yield f"The job's deadline of {deadline / 3600:g} hours is beyond {maximum_hours:g} hours."


@stack_rule(
    id="stack-has-owner",
    title="The stack has an owner and a cost centre.",
    severity="low",
    level="advisory",
    frameworks=("CKV_AWS_153", "NIST CM-8(4)"),
    wrong="Nobody can then be asked whether it is still needed, and its bill is nobody's.",
    mend="pulumi config set trainyard:owner NAME, and likewise trainyard:cost_centre.",
)
def stack_has_owner(resources: Sequence[Resource]) -> Iterator[Objection]:
    """One objection for each tag, however many resources lack it."""
    tagged = [resource.properties["tags"] for resource in resources if "tags" in resource.properties]
    for tag in _TAGS:
        values = {tags.get(tag) for tags in tagged}
        lacking = values & {None, "", _UNASSIGNED}
        if lacking:
            yield Objection(f"The tag {tag} is {_UNASSIGNED if _UNASSIGNED in values else 'missing'}.")


RULES = (job_has_deadline, stack_has_owner)
