"""The files that `yard render` writes: manifests and values of charts, named by the order to apply them in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cli.render_chart import helm_command, values_of
from cli.render_manifest import SECRET_TEXT, UNKNOWN_TEXT, Gaps, manifest_of
from cli.render_order import PreviewedObject
from cli.render_yaml import yaml_text

CHARTS = "charts"
_LONGEST_NAME = 120


@dataclass(frozen=True)
class RenderedFile:
    """One file of the folder."""

    path: str
    """Relative to the folder. Names in their order are the order to apply in."""
    text: str
    source: PreviewedObject
    gaps: Gaps
    command: str = ""
    """What installs it, for a release of a chart."""


def rendered_files(objects: Sequence[PreviewedObject]) -> list[RenderedFile]:
    """The files of objects that are given in the order to apply them in. Their names begin with tens, in that order."""
    digits = max(3, len(str(10 * len(objects))))
    return [_rendered(each, f"{10 * place:0{digits}}") for place, each in enumerate(objects, start=1)]


def _rendered(source: PreviewedObject, number: str) -> RenderedFile:
    gaps = Gaps()
    if source.is_release:
        path = f"{CHARTS}/{number}-{_plain(source.name)}.yaml"
        command = helm_command(source, path)
        content = yaml_text(values_of(source, gaps))
        lines = ["Values of a Helm chart. In the folder above this one:", "", f"  {command}", ""]
        return RenderedFile(path, _comment([*lines, *_notes(gaps)]) + content, source, gaps, command)
    content = yaml_text(manifest_of(source.inputs, _plain(source.resource_name), gaps))
    words = [number, source.kind.lower(), source.namespace, source.name]
    path = f"{'-'.join(_plain(word) for word in words if word)[:_LONGEST_NAME].rstrip('-.')}.yaml"
    return RenderedFile(path, _comment(_notes(gaps)) + content, source, gaps)


def _plain(text: str) -> str:
    """The text as a part of a file's name and of a Kubernetes name."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "unnamed"


def _notes(gaps: Gaps) -> list[str]:
    return [
        *([f"Not known before `up`, and so {UNKNOWN_TEXT!r} or the like here:"] if gaps.unknown else []),
        *(f"  {path}" for path in gaps.unknown),
        *([f"Secret, and so {SECRET_TEXT!r} or the like here:"] if gaps.secret else []),
        *(f"  {path}" for path in gaps.secret),
    ]


def _comment(lines: Sequence[str]) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)
