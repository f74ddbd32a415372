"""Cost rules: nothing runs without an end, and everything has somebody who pays for it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.rules import LOCAL, LOCAL_JOB, Objection, Parameter, Resource, resource_rule, stack_rule

_UNASSIGNED = "unassigned"
_WANTED = ("owner", "cost_centre")
# Where clouds keep them: AWS, Google Cloud, and AWS with the provider's default tags among them.
_TAG_PROPERTIES = ("tags", "labels", "tagsAll")


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
    title="A stack in a cloud has an owner and a cost centre.",
    severity="low",
    level="advisory",
    frameworks=("CKV_AWS_153", "NIST CM-8(4)"),
    wrong="Nobody can then be asked whether it is still needed, and its bill is nobody's.",
    mend="pulumi config set trainyard:owner NAME, and likewise trainyard:cost_centre.",
)
def stack_has_owner(resources: Sequence[Resource]) -> Iterator[Objection]:
    """One objection for each tag, however many resources lack it.

    What runs on this machine is its user's, and nobody is sent a bill for it.
    """
    elsewhere = [resource for resource in resources if not resource.type.startswith(LOCAL)]
    tagged = [tags for resource in elsewhere if (tags := _tags_of(resource)) is not None]
    for tag in _WANTED:
        values = [tags.get(tag) for tags in tagged]
        if _UNASSIGNED in values:
            yield Objection(f"The tag {tag} is {_UNASSIGNED}.")
        elif None in values or "" in values:
            yield Objection(f"The tag {tag} is missing.")


def _tags_of(resource: Resource) -> dict[str, Any] | None:
    """The resource's tags; None where it can have none, or where a preview cannot know them.

    A property that is no mapping is something else: Google Cloud's `tags` are names for the firewall.
    """
    found = [resource.properties[name] for name in _TAG_PROPERTIES if name in resource.properties]
    mappings = [tags or {} for tags in found if tags is None or isinstance(tags, Mapping)]
    return {name: value for tags in mappings for name, value in tags.items()} if mappings else None


RULES = (job_has_deadline, stack_has_owner)
