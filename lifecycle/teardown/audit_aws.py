"""The audit of a stack on AWS: everything with its tags, and what Kubernetes made that its tags do not reach.

It asks as the environment's credentials may, changes nothing, and takes nothing that it could not ask for as absent.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lifecycle.teardown.audit import AuditReport, Leftover
from lifecycle.teardown.aws import disks, identities, load_balancers, network, networks, nodes, records, stores
from lifecycle.teardown.aws.calls import CallerUnknown, Calls, account_of
from lifecycle.teardown.aws.found import Finder, Found, Search, Tagged
from lifecycle.teardown.aws.tagging import beyond, find_tagged
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
_AT_ONCE = 6


def audit_aws(subject: Subject) -> AuditReport:
    """Looks for what the stack has left in its account and region; each kind that cannot be looked at is a problem."""
    calls = Calls(subject.region)
    try:
        account = account_of(calls)
    except CallerUnknown as error:
        return AuditReport(looked_at=(), problems=(f"nothing was looked at: {error}",))
    if account not in subject.own_accounts:
        # There it would find nothing, and say that nothing is left.
        named = " or ".join(subject.own_accounts) or "an account that its file does not name"
        problem = f"nothing was looked at: the credentials are of account {account}, and the stack is of {named}"
        return AuditReport(looked_at=(), problems=(problem,))
    subject = replace(subject, account_id=account)
    tagged, problems = _tagged(calls, subject)
    search = Search(calls, subject, tagged)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(lambda finder: _run(finder, search), FINDERS))
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
    found.sort(key=lambda each: (each.stage, each.leftover.kind, each.leftover.id))
    words = [] if any(problem.startswith(TAGGED) for problem in problems) else [TAGGED]
    return AuditReport(
        looked_at=(*words, *(finder.words for finder in able)),
        leftovers=_of(found, "left"),
        retained=_of(found, "retained"),
        going=_of(found, "going"),
        problems=(*problems, *(problem for _, problem in results if problem)),
    )


def _of(found: Iterable[Found], fate: str) -> tuple[Leftover, ...]:
    return tuple(dict.fromkeys(each.leftover for each in found if each.fate == fate))


def _tagged(calls: Calls, subject: Subject) -> tuple[list[Tagged], list[str]]:
    try:
        return find_tagged(calls, subject), []
    except Exception as error:
        return [], [_problem(TAGGED, error)]


def _run(finder: Finder, search: Search) -> tuple[list[Found], str]:
    """What the finder has found until its end or until it could not look on, and why that was."""
    found: list[Found] = []
    try:
        found.extend(finder.find(search))
    except Exception as error:
        # Whatever it is, such as a page of a proxy instead of an answer: nobody knows then what is there.
        return found, _problem(finder.words, error)
    return found, ""


def _problem(words: str, error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{words}: {text[0] if text else type(error).__name__}"
