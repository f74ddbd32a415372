"""`yard policies`: the rules of the project's policy pack, what stacks set them to, and which resources have which."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from cli.policies_rules import Listing
    from policies.configuration import Setting
    from policies.rules import Rule

_Severities = Annotated[
    list[str] | None, typer.Option("--severity", help="Only rules of this severity; may be given several times.")
]
_Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only rules of this topic: security or cost.")]
_Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only rules for this type of resource, or for types like it.")
]
_Frameworks = Annotated[
    list[str] | None, typer.Option("--framework", help="Only rules that this framework asks for, such as 'CIS EKS'.")
]


def policies(
    rule: Annotated[str, typer.Argument(help="One rule, to be shown in full; all of them where none is named.")] = "",
    stacks: Annotated[
        list[str] | None,
        typer.Option("--stack", "-s", help="Show what policies/stacks/STACK.json sets; may be given several times."),
    ] = None,
    severities: _Severities = None,
    topics: _Topics = None,
    types: _Types = None,
    frameworks: _Frameworks = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which types of resource in the project's stacks have which rules.")
    ] = False,
    plans: Annotated[
        list[Path] | None,
        typer.Option("--plan", help="With --coverage: a preview document to take the resources from.", dir_okay=False),
    ] = None,
    directory: options.Directory = Path(),
    json: options.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, such as for docs/.")] = False,
) -> int:
    """List the rules of the policy pack.

    Or show one of them in full, or which types of resource have which rules.
    """
    if json and markdown:
        raise CommandError("--json and --markdown exclude each other", ExitStatus.CONFIGURATION)
    if coverage and rule:
        raise CommandError("--coverage shows all rules: name none with it", ExitStatus.CONFIGURATION)
    if plans and not coverage:
        raise CommandError("--plan belongs to --coverage", ExitStatus.CONFIGURATION)
    if plans and stacks:
        raise CommandError("--plan and --stack exclude each other", ExitStatus.CONFIGURATION)
    from cli.policies_rules import choose, find
    from policies.catalogue import RULES

    chosen = choose(
        [find(RULES, rule)] if rule else RULES,
        severities=severities or [],
        topics=topics or [],
        types=types or [],
        frameworks=frameworks or [],
    )
    _tell_of_missing(stacks or [])
    if coverage:
        _show_coverage(chosen, stacks or [], plans or [], directory, json=json, markdown=markdown)
    elif rule:
        _show_rule(find(RULES, rule), _listing(chosen, stacks or []), json=json, markdown=markdown)
    else:
        _show_rules(_listing(chosen, stacks or []), json=json, markdown=markdown)
    return ExitStatus.SUCCESS


def _tell_of_missing(stacks: Sequence[str]) -> None:
    from policies import configuration

    for stack in stacks:
        path = configuration.stack_file(stack)
        # Of a name that no file can have, `configuration.read` says so.
        if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises where a name is too long
            typer.echo(f"{stack} has no policies/stacks/{path.name}: its rules are as the pack has them", err=True)


def _listing(rules: Sequence["Rule"], stacks: Sequence[str]) -> "Listing":
    from cli.policies_rules import Listing

    return Listing(rules, {stack: _settings(stack) for stack in stacks})


def _settings(stack: str) -> dict[str, "Setting"]:
    """What a stack sets all rules to. Raises CommandError where its file is wrong."""
    from policies import configuration
    from policies.catalogue import RULES
    from policies.dates import today

    path = configuration.stack_file(stack)
    try:
        return configuration.settings(
            configuration.read(path), RULES, today(), source=f"policy configuration {path.parent.name}/{path.name}"
        )
    except configuration.ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None


def _show_rules(listing: "Listing", *, json: bool, markdown: bool) -> None:
    from cli.policies_rules import document

    if json:
        _print({"rules": [document(rule, listing) for rule in listing.rules]})
    elif markdown:
        from cli.policies_markdown import rules_markdown

        typer.echo(rules_markdown(listing, shlex.join(["yard", *sys.argv[1:]])), nl=False)
    else:
        from cli.policies_table import print_rules

        print_rules(listing)


def _show_rule(rule: "Rule", listing: "Listing", *, json: bool, markdown: bool) -> None:
    from cli.policies_examples import examples
    from cli.policies_rules import document

    if json:
        _print({**document(rule, listing), "examples": examples(rule)})
    elif markdown:
        _show_rules(listing, json=False, markdown=True)
    else:
        from cli.policies_table import print_rule

        print_rule(rule, listing, examples(rule))


def _show_coverage(
    rules: Sequence["Rule"],
    stacks: Sequence[str],
    documents: Sequence[Path],
    directory: Path,
    *,
    json: bool,
    markdown: bool,
) -> None:
    from cli.policies_coverage import coverage, coverage_document, coverage_markdown, print_coverage
    from cli.policies_plans import preview_plan, project_stacks, read_planned
    from cli.project_folder import find_project_folder

    if documents:
        planned = [read_planned(path) for path in documents]
        listing = _listing(rules, [plan.stack for plan in planned])
    else:
        folder = find_project_folder(directory)
        names = list(dict.fromkeys(stacks)) or project_stacks(folder)
        # Before the previews, which take longer: a wrong file is told at once.
        listing = _listing(rules, names)
        planned = [preview_plan(folder, stack) for stack in names]
    found = coverage(planned, listing)
    if json:
        _print(coverage_document(found))
    elif markdown:
        typer.echo(coverage_markdown(found), nl=False)
    else:
        print_coverage(found)


def _print(document: dict[str, Any]) -> None:
    from cli.json_output import print_json

    print_json(document)
