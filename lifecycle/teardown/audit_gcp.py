"""The audit of a stack on Google Cloud: kind by kind what is the stack's, and what GKE and Kubernetes made for it.

It asks as the environment's credentials may, changes nothing, and takes nothing that it could not ask for as absent.
"""

from collections.abc import Callable, Iterator

from lifecycle.caller import CallerUnknown, foreign
from lifecycle.google_api import GoogleError
from lifecycle.teardown.audit import AuditReport
from lifecycle.teardown.finding import Found, of_fate, run_all
from lifecycle.teardown.gcp import disks, identities, load_balancers, network, nodes, records, stores
from lifecycle.teardown.gcp.calls import Calls, project_of
from lifecycle.teardown.gcp.found import Finder, Search
from lifecycle.teardown.subject import Subject

FINDERS: tuple[Finder, ...] = (
    *records.FINDERS,
    *nodes.FINDERS,
    *load_balancers.FINDERS,
    *disks.FINDERS,
    *network.FINDERS,
    *stores.FINDERS,
    *identities.FINDERS,
)
"""All that is looked for."""


def audit_gcp(subject: Subject) -> AuditReport:
    """Looks for what the stack has left in its project; each kind that cannot be looked at is a problem."""
    calls = Calls(subject.account_id)
    try:
        project = project_of(calls)
    except (CallerUnknown, GoogleError) as error:
        return AuditReport(looked_at=(), problems=(f"nothing was looked at: {error}",))
    if why := foreign(subject, project):
        # There it would find nothing, and say that nothing is left.
        return AuditReport(looked_at=(), problems=(f"nothing was looked at: {why}",))
    finders = [each for each in FINDERS if each.of_data or subject.part != "data"]
    results = run_all([(each.words, _finding(each)) for each in finders], Search(calls, subject))
    found = [each for some, _ in results for each in some]
    return AuditReport(
        looked_at=tuple(each.words for each, (_, problem) in zip(finders, results, strict=True) if not problem),
        leftovers=of_fate(found, "left"),
        retained=of_fate(found, "retained"),
        going=of_fate(found, "going"),
        problems=tuple(problem for _, problem in results if problem),
    )


def _finding(finder: Finder) -> Callable[[Search], Iterator[Found]]:
    def find(search: Search) -> Iterator[Found]:
        try:
            yield from finder.find(search)
        except GoogleError as error:
            if not (finder.may_be_off and error.is_off):
                raise

    return find
