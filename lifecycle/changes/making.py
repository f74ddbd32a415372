"""Makes the report on a change: reads the base's files, previews both revisions, and compares what they say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.events import Event
from lifecycle.changes import git, revisions
from lifecycle.changes.bytecode import share_bytecode
from lifecycle.changes.compose import Side, stack_change
from lifecycle.changes.errors import ChangeReportError, UnknownStack
from lifecycle.changes.plan import Plan, plan_of
from lifecycle.changes.previews import (
    Place,
    Previewed,
    Previewer,
    SideName,
    borrow_environments,
)
from lifecycle.changes.report import ChangeReport, Revision
from lifecycle.changes.secret_settings import reencrypted
from lifecycle.changes.verdicts import Judgement
from lifecycle.changes.workspace import temporary_folder

if TYPE_CHECKING:
    from planning.prices.book import PriceBook

_SIDES: tuple[SideName, ...] = ("base", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the report is to be about."""

    folder: Path
    """The project's folder."""
    base: str
    """A revision, such as `origin/main`."""
    stacks: Sequence[str] = ()
    """None: every stack that has a file at one revision at least."""
    policy_packs: Sequence[Path] = ()
    """Folders of the head. Each revision is judged by its own, where they lie in the repository."""
    policy_configs: Sequence[Path] = ()
    parallel: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The report, and what it was made from."""

    report: ChangeReport
    events: dict[tuple[str, SideName], Sequence[Event]]
    """What each preview told."""
    causes: tuple[str, ...]
    """Of the head's problems, as `engine.events.Finished` names them."""


def make_report(
    asked: Asked,
    *,
    judge: Callable[[Sequence[Event]], Judgement],
    book: "Callable[[], PriceBook]",
    tell: Callable[[str], None] = lambda _: None,
) -> Made:
    """The report. What cannot be previewed is told in it.

    :param judge: What policies say by a preview's events.
    :param book: Loads the prices; called while the previews run.
    :param tell: Hears what is done, for whoever waits.

    Raises ChangeReportError for a revision, repository or stack that is not there.
    """
    folder = asked.folder.resolve()
    root = git.find_repository(folder)
    if root is None:
        raise ChangeReportError(f"--base needs a git repository, and {folder} is in none")
    with temporary_folder() as workspace:
        head = Place(
            side="head",
            folder=folder,
            root=root,
            policy_packs=tuple(each.resolve() for each in asked.policy_packs),
            policy_configs=tuple(each.resolve() for each in asked.policy_configs),
        )
        base = _base_of(head, workspace / "files")
        previewer = Previewer(workspace, {"base": base, "head": head}, tell, asked.parallel)
        try:
            previewer.prepare()
            base_revision, head_revision = revisions.resolve(root, asked.base, folder)
            revisions.write_files(root, base_revision.commit, base.root)
            share_bytecode(base.root, root)
            base, notes = _with_packs(base, head)
            previewer.places = {"base": base, "head": head}
            return _compared(asked, previewer, (base_revision, head_revision), judge, book, notes)
        finally:
            previewer.close()


def _base_of(head: Place, root: Path) -> Place:
    return Place(side="base", folder=root / head.folder.relative_to(head.root), root=root)


def _with_packs(base: Place, head: Place) -> tuple[Place, tuple[str, ...]]:
    """The base with its own policy packs, those that it has."""
    packs, configs, notes = [], [], []
    given = head.policy_configs or (None,) * len(head.policy_packs)
    for pack, config in zip(head.policy_packs, given, strict=False):
        own = base.counterpart(pack, head)
        own_config = base.counterpart(config, head) if config else None
        if not own.is_dir() or (own_config is not None and not own_config.is_file()):
            notes.append(f"The base has no policy pack {pack.name}: all that it says of the head is new.")
            continue
        packs.append(own)
        configs += [own_config] if own_config is not None else []
    found = Place(
        side="base", folder=base.folder, root=base.root, policy_packs=tuple(packs), policy_configs=tuple(configs)
    )
    return found, (*notes, *borrow_environments(found, head))


def _compared(
    asked: Asked,
    previewer: Previewer,
    named: tuple[Revision, Revision],
    judge: Callable[[Sequence[Event]], Judgement],
    book: "Callable[[], PriceBook]",
    notes: tuple[str, ...],
) -> Made:
    places = previewer.places
    files = {side: places[side].stacks() for side in _SIDES}
    known = sorted({*files["base"], *files["head"]})
    for stack in asked.stacks:
        if stack not in known:
            raise UnknownStack(
                f"--stack is {stack!r}: there is no Pulumi.{stack}.yaml at either revision; "
                f"there are: {', '.join(known) or 'none'}"
            )
    stacks = list(dict.fromkeys(asked.stacks or known))
    if not stacks:
        raise UnknownStack(f"{asked.folder}: there is no stack: no Pulumi.STACK.yaml at either revision")
    wanted = [(stack, side) for stack in stacks for side in _SIDES if stack in files[side]]
    prices = cache(book)
    previewed = previewer.run(wanted, meanwhile=prices)
    changes, causes = [], []
    for stack in stacks:
        sides = [_side(previewed.get((stack, side)), judge) for side in _SIDES]
        own = _of_secrets(files["base"].get(stack), files["head"].get(stack))
        changes.append(stack_change(stack, sides[0], sides[1], prices(), (*notes, *own)))
        if sides[1] is not None and sides[1].plan.problem:
            causes.append(sides[1].plan.cause)
    project = places["head"].project() or places["base"].project()
    report = ChangeReport(
        project=project.name if project else asked.folder.name,
        base=named[0],
        head=named[1],
        stacks=tuple(changes),
        policies=bool(asked.policy_packs),
    )
    return Made(report=report, events={key: each.events for key, each in previewed.items()}, causes=tuple(causes))


def _of_secrets(before: Path | None, after: Path | None) -> list[str]:
    if before is None or after is None:
        return []
    return [
        f"The secret setting {name} is encrypted otherwise than before; whether its value changes, only its key tells."
        for name in reencrypted(before, after)
    ]


def _side(previewed: Previewed | None, judge: Callable[[Sequence[Event]], Judgement]) -> Side | None:
    if previewed is None:
        return None
    plan: Plan = plan_of(previewed.events, previewed.folder)
    return Side(plan=plan, judgement=Judgement() if plan.problem else judge(previewed.events))
