"""A report on a change as one file of HTML that needs nothing else and sends no request.

Names and values may come from anybody's pull request. All of them are escaped by the template engine, and characters
that would not be seen are named; what the script reads is JSON without `<`. The page's Content Security Policy allows
its own script and style, by their digests, and nothing else, so that even a mistake here would run nothing. No
identifier, class or address in the page is made from a name.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from lifecycle.changes import html_words as words
from lifecycle.changes.html_view import OPERATIONS, view
from lifecycle.changes.report import ChangeReport

_FOLDER: Final = Path(__file__).parent / "page"
_SCRIPTS: Final = ("search.js", "graph.js")
_STYLES: Final = ("page.css", "graph.css")


def html_text(report: ChangeReport) -> str:
    """Return the page; the same report gives the same characters."""
    script = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in _STYLES)
    return _template().render(
        page=view(report),
        report=report,
        operations=OPERATIONS,
        marks=words.MARKS,
        script=_own(script),
        style=_own(style),
        policy=content_security_policy(script, style),
    )


@cache
def _template() -> Any:
    import jinja2  # a command that writes no page does without it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short_type"] = words.short_type
    environment.filters["told"] = words.told
    environment.filters["breakable"] = _breakable
    environment.globals["counted"] = words.counted
    return environment.get_template("page.html.jinja")


def content_security_policy(script: str, style: str) -> str:
    """Return what allows this script and this style and nothing else (W3C, Content Security Policy Level 3)."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _own(text: str) -> Any:
    """Return our own text as what is not to be escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 two files of this project, and nothing else


def _visible(value: Any) -> Any:
    from markupsafe import Markup

    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(path: str) -> Any:
    """Let a property's path go on in the next line where a part of it begins."""
    from markupsafe import Markup

    return Markup("<wbr>").join(re.split(r"(?=[.\[])", words.visible(path)))
