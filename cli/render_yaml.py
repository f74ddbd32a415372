"""Writes documents as YAML that people read and that every reader understands alike: in block style, text as lines."""

import re
from typing import Any

_LINE_WIDTH = 1_000_000
# Words, paths, references and quantities. All else is put in quotes: readers of YAML 1.1 and 1.2 disagree on what is a
# number, a truth, a date or nothing (https://yaml.org/spec/1.2.2/#102-json-schema, https://yaml.org/type/).
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/._@-]*(:[A-Za-z0-9/._@-]+)*|[0-9]+(m|[kKMGTP]i?)")
_NOT_PLAIN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def yaml_text(document: dict[str, Any]) -> str:
    """The document as YAML, keys in their order, a newline at its end."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Indents lists within mappings, and never says «the same as above»."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            return super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        if "\n" in value.strip("\n"):
            style = "|"
        else:
            plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN
            style = "" if plain else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH)
    return dumped
