"""How a deployment is to be shown, and how that follows from the stream and the environment."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO

Action = Literal["preview", "update", "destroy", "preview-destroy"]
ColourChoice = Literal["auto", "always", "never"]

_TITLES: Final = {
    "preview": ("Previewing update", "preview", "previewing"),
    "update": ("Updating", "update", "updating"),
    "destroy": ("Destroying", "destroy", "destroying"),
    "preview-destroy": ("Previewing destroy", "preview", "previewing"),
}
_CI_VARIABLES: Final = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD")
_NARROWEST: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class DisplayOptions:
    """What to show and how; `for_stream` fills in what the stream and the environment decide."""

    action: Action = "update"
    """What is shown; the two previews change nothing."""
    stack: str = ""
    """The stack's name, for the title."""
    diff: bool = False
    """Show properties, old and new, instead of the tree."""
    show_same: bool = False
    """Show unchanged resources too."""
    show_component_outputs: bool = False
    """With `diff`: show changed outputs of components, besides the stack's."""
    colour: bool = False
    """Write the escape sequences of colours."""
    is_terminal: bool = False
    """The stream is a terminal that can be redrawn: show progress in place."""
    width: int = 80
    """Columns of the terminal."""
    height: int = 24
    """Rows of the terminal."""

    @property
    def planned(self) -> bool:
        """Whether this is a preview."""
        return self.action.startswith("preview")

    @property
    def title(self) -> str:
        """``Updating``."""
        return _TITLES[self.action][0]

    @property
    def noun(self) -> str:
        """``update``, as in "update failed"."""
        return _TITLES[self.action][1]

    @classmethod
    def for_stream(
        cls,
        stream: TextIO,
        *,
        action: Action,
        stack: str = "",
        diff: bool = False,
        show_same: bool = False,
        colour: ColourChoice = "auto",
        dry_run: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> "DisplayOptions":
        """The options for a stream: in place in a terminal, plain lines in a pipe, a dumb terminal and in CI.

        Colours are for terminals; NO_COLOR (no-color.org) forbids and CLICOLOR_FORCE or FORCE_COLOR ask for them
        elsewhere. `colour` overrules all of these. With `dry_run`, an action stands for its preview.
        """
        environment = os.environ if environment is None else environment
        if dry_run and not action.startswith("preview"):
            action = "preview-destroy" if action == "destroy" else "preview"
        is_terminal = stream.isatty() and environment.get("TERM") != "dumb"
        draws_trees = (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
        forced = any(environment.get(name, "0") not in ("", "0") for name in ("CLICOLOR_FORCE", "FORCE_COLOR"))
        allowed = not environment.get("NO_COLOR") and (is_terminal or forced)
        in_ci = any(environment.get(name, "").lower() not in ("", "0", "false") for name in _CI_VARIABLES)
        size = shutil.get_terminal_size()
        return cls(
            action=action,
            stack=stack,
            diff=diff,
            show_same=show_same,
            colour=colour == "always" or (colour == "auto" and allowed),
            is_terminal=is_terminal and draws_trees and not in_ci,
            width=max(size.columns, _NARROWEST),
            height=size.lines,
        )
