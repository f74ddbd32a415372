"""Property paths: how `ignoreChanges`, `replaceOnChanges` and detailed differences name a place within properties.

``tags.Name``, ``rules[0].port``, ``tags["a.b"]``, and ``*`` for every element. Source: Pulumi's documentation,
"ignoreChanges", property paths.
"""

import re
from collections.abc import Iterable, Sequence

from engine.values import Properties, Secret, Value, as_secret, same

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'\.?([^.\["\]]+)|\.?\[(\d+|\*)\]|\.?\["((?:[^"\\]|\\.)*)"\]')
_PLAIN_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")


def parse(text: str) -> Path:
    """The path's steps: strings for keys, integers for indices, ``*`` for any. Raises ValueError where malformed."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f'{text!r} is not a property path; expected for example a.b[0] or tags["Name"]')
        key, index, quoted = match.groups()
        if index is not None:
            steps.append("*" if index == "*" else int(index))
        else:
            steps.append(key if key is not None else quoted.replace('\\"', '"').replace("\\\\", "\\"))
        position = match.end()
    if not steps:
        raise ValueError("a property path must not be empty")
    return tuple(steps)


def render(path: Sequence[str | int]) -> str:
    """The text that `parse` reads back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step == "*" or _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def covers(pattern: Path, path: Path) -> bool:
    """Whether `path` is, or lies within, what `pattern` names; ``*`` matches any step."""
    return len(pattern) <= len(path) and all(left in ("*", right) for left, right in zip(pattern, path, strict=False))


def restore(news: Properties, olds: Properties, paths: Iterable[Path]) -> Properties:
    """`news` with the old value, or its absence, wherever one of `paths` points: what `ignoreChanges` means.

    What lies deeper in something new, or below what is there no more, is left alone, as Pulumi does
    (PropertyPath.Reset): there is nothing to ignore yet. What was secret stays secret.
    """
    for path in paths:
        result = _restore(news, olds, path, False, False)
        news = result if isinstance(result, dict) else news
    return news


def _restore(new: Value, old: Value, path: Path, new_is_secret: bool, old_is_secret: bool) -> Value:
    """`new` with what `path` points to in `old`, marked as secret where it lies within a secret of `old` alone."""
    if isinstance(new, Secret):
        return Secret(_restore(new.value, old, path, True, old_is_secret))
    if isinstance(old, Secret):
        return _restore(new, old.value, path, new_is_secret, True)
    step, rest = path[0], path[1:]

    def within(now: Value, was: Value) -> Value:
        if rest:
            return _restore(now, was, rest, new_is_secret, old_is_secret)
        return as_secret(was) if old_is_secret and not new_is_secret else was

    if isinstance(new, dict) and (isinstance(old, dict) or (not rest and step != "*")):
        former: Properties = old if isinstance(old, dict) else {}
        result = dict(new)
        for key in list(former if rest else {**former, **new}) if step == "*" else [str(step)]:
            if rest and key in new:
                result[key] = within(new[key], former.get(key))
            elif not rest and key in former:
                result[key] = within(new.get(key), former[key])
            elif not rest:
                result.pop(key, None)
        return result
    if isinstance(new, list) and isinstance(old, list):
        elements = list(new)
        indices = range(min(len(new), len(old))) if step == "*" else [step] if isinstance(step, int) else []
        for index in indices:
            if index < len(new) and index < len(old):
                elements[index] = within(new[index], old[index])
        return elements
    return new


def difference(old: Properties, new: Properties) -> dict[str, str]:
    """Every leaf that differs, by path: ``add``, ``delete`` or ``update``; internal ``__…`` keys are not for people."""
    changes: dict[Path, str] = {}
    _compare(old, new, (), changes)
    return {render(path): kind for path, kind in changes.items()}


def _compare(old: Value, new: Value, path: Path, changes: dict[Path, str]) -> None:
    if same(old, new):
        return
    if isinstance(old, Secret) or isinstance(new, Secret):
        old_inner = old.value if isinstance(old, Secret) else old
        new_inner = new.value if isinstance(new, Secret) else new
        _compare(old_inner, new_inner, path, changes)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key.startswith("__"):
                continue
            if key not in new:
                changes[(*path, key)] = "delete"
            elif key not in old:
                changes[(*path, key)] = "add"
            else:
                _compare(old[key], new[key], (*path, key), changes)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(new):
                changes[(*path, index)] = "delete"
            elif index >= len(old):
                changes[(*path, index)] = "add"
            else:
                _compare(old[index], new[index], (*path, index), changes)
    else:
        changes[path] = "update"


def top_level_keys(paths: Iterable[str]) -> list[str]:
    """The properties that the paths lie in, each once, in order."""
    return list(dict.fromkeys(str(parse(path)[0]) for path in paths))


def changed_secrets(old: Value, new: Value, path: Path = ()) -> list[str]:
    """The paths of secrets whose content differs: people are told that they change, not how."""
    if isinstance(old, Secret) and isinstance(new, Secret):
        return [] if same(old, new) else [render(path)]
    found: list[str] = []
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() & new.keys()):
            if not key.startswith("__"):
                found += changed_secrets(old[key], new[key], (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            found += changed_secrets(before, after, (*path, index))
    return found
