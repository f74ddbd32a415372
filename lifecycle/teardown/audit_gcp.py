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
            if error.is_off and not _is_of(search.subject, error.consumer):
                raise GoogleError(_off_elsewhere(search.subject, error)) from None
            if not (finder.may_be_off and error.is_off):
                raise

    return find


def _is_of(subject: Subject, consumer: str) -> bool:
    """Whether an API that is off is so in the stack's own project. What does not say whose it is, is taken for it."""
    return consumer in ("", f"projects/{subject.project_number}", f"projects/{subject.account_id}")


def _off_elsewhere(subject: Subject, error: GoogleError) -> str:
    """That nobody knows whether an API is on in the stack's project, and what to do.

    Source: Google Cloud, "Set the quota project": of a service account, its own project's quota counts, unless another
    one is named.
    """
    return (
        f"the API {error.service} is off in {error.consumer}, whose quota these credentials use, so what there is in "
        f"{subject.account_id} is not known: switch it on there, or set GOOGLE_CLOUD_QUOTA_PROJECT={subject.account_id}"
    )
