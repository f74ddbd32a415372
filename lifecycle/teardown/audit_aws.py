"""The audit of a stack on AWS: everything with its tags, and what Kubernetes made that its tags do not reach.

It asks as the environment's credentials may, changes nothing, and takes nothing that it could not ask for as absent.
"""

from collections.abc import Sequence
from dataclasses import replace

from lifecycle.caller import CallerUnknown, foreign
from lifecycle.teardown.audit import AuditReport
from lifecycle.teardown.aws import disks, identities, load_balancers, network, networks, nodes, records, stores
from lifecycle.teardown.aws.calls import Calls, account_of
from lifecycle.teardown.aws.found import Finder, Found, Search, Tagged
from lifecycle.teardown.aws.tagging import beyond, find_tagged
from lifecycle.teardown.finding import of_fate, problem_of, run_all
from lifecycle.teardown.subject import Subject

FINDERS: tuple[Finder, ...] = (
    *nodes.FINDERS,
    *load_balancers.FINDERS,
    *network.FINDERS,
    *disks.FINDERS,
    *networks.FINDERS,
    *records.FINDERS,
    *stores.FINDERS,
    *identities.FINDERS,
)
"""All that is looked for, one after another as it can be removed."""
TAGGED = "everything with the stack's tags"


def audit_aws(subject: Subject) -> AuditReport:
    """Looks for what the stack has left in its account and region; each kind that cannot be looked at is a problem."""
    calls = Calls(subject.region)
    try:
        account = account_of(calls)
    except CallerUnknown as error:
        return AuditReport(looked_at=(), problems=(f"nothing was looked at: {error}",))
    if why := foreign(subject, account):
        # There it would find nothing, and say that nothing is left.
        return AuditReport(looked_at=(), problems=(f"nothing was looked at: {why}",))
    subject = replace(subject, account_id=account)
    tagged, problems = _tagged(calls, subject)
    search = Search(calls, subject, tagged)
    results = run_all([(finder.words, finder.find) for finder in FINDERS], search)
    return report(subject, tagged, results, problems)


def report(
    subject: Subject, tagged: Sequence[Tagged], results: Sequence[tuple[list[Found], str]], problems: Sequence[str]
) -> AuditReport:
    """What the finders' results come to, in the order in which it can be removed. Pure.

    :param results: For each of `FINDERS`, what it has found, and why it could not look on; empty: it could.
    """
    found = [each for some, _ in results for each in some]
    able = [finder for finder, (_, problem) in zip(FINDERS, results, strict=True) if not problem]
    looked_at = frozenset(family for finder in able for family in finder.covers)
    # Where one of two that look at the same kind could not, the other does not know what is there.
    looked_at -= {family for finder in FINDERS if finder not in able for family in finder.covers}
    found += beyond(subject, tagged, looked_at, {each.leftover.id for each in found})
    words = [] if any(problem.startswith(TAGGED) for problem in problems) else [TAGGED]
    return AuditReport(
        looked_at=(*words, *(finder.words for finder in able)),
        leftovers=of_fate(found, "left"),
        retained=of_fate(found, "retained"),
        going=of_fate(found, "going"),
        problems=(*problems, *(problem for _, problem in results if problem)),
    )


def _tagged(calls: Calls, subject: Subject) -> tuple[list[Tagged], list[str]]:
    try:
        return find_tagged(calls, subject), []
    except Exception as error:
        return [], [problem_of(TAGGED, error)]
