"""Takes known secrets out of texts that people and logs are shown.

States are blinded where they are encoded. What programs, providers and policy packs say in their own words is not: an
exception may quote a password. So whatever is known to be secret, from the configuration and from secret properties,
is replaced there, and in what the program prints through Python, in the spelling of the text itself, of `repr` and of
JSON. Texts shorter than four characters, and the words true, false and null, are left: they would blot out half of
every message and give away the secret by the gaps.
"""

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

from engine.events import Diagnostic, Event, PolicyViolation
from engine.values import Secret, Value

REPLACEMENT = "[secret]"
_SHORTEST = 4
_PLAIN_WORDS = frozenset({"true", "false", "null", "True", "False", "None"})
# The serialized provider of a dynamic resource: long, marked secret by the SDK as a precaution, never quoted.
_NOT_QUOTED = "__provider"


class Redactor:
    """Knows the secrets of one deployment; may be used from several threads."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._longest_first: list[str] = []
        self._lock = threading.Lock()

    def learn_text(self, text: str) -> None:
        """From now on `text` is secret; so are its lines, and what it holds where it is JSON."""
        found = {text, *text.splitlines()}
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                found.update(_texts(json.loads(text)))
        self._learn(found)

    def learn(self, value: Value) -> None:
        """From now on every text and number within the secrets of `value` is secret."""
        self._learn(text for secret in _secrets(value) for text in _texts(secret))

    def redact(self, text: str) -> str:
        """The text with what is known to be secret replaced."""
        with self._lock:
            if len(self._longest_first) != len(self._known):
                self._longest_first = sorted(self._known, key=len, reverse=True)
            known = self._longest_first
        for secret in known:
            if secret in text:
                text = text.replace(secret, REPLACEMENT)
        return text

    def redact_event(self, event: Event) -> Event:
        """The event, redacted where somebody's own words stand in it."""
        if isinstance(event, Diagnostic | PolicyViolation):
            redacted = self.redact(event.message)
            if redacted != event.message:
                return replace(event, message=redacted)
        return event

    def _learn(self, texts: Iterable[str]) -> None:
        new = {
            spelling
            for text in texts
            if len(text.strip()) >= _SHORTEST and text not in _PLAIN_WORDS
            for spelling in (text, repr(text)[1:-1], json.dumps(text)[1:-1])
        }
        with self._lock:
            self._known |= new


class RedactedStream:
    """A text stream that writes redacted what is written to it; all else is the stream's own."""

    def __init__(self, stream: IO[str], redact: Callable[[str], str]) -> None:
        self._stream = stream
        self._redact = redact

    def write(self, text: str) -> int:
        """Writes the text redacted."""
        self._stream.write(self._redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes the lines redacted."""
        self._stream.writelines(map(self._redact, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _secrets(value: Value) -> Iterable[Value]:
    match value:
        case Secret(value=inner):
            yield inner
        case dict():
            for key, element in value.items():
                if key != _NOT_QUOTED:
                    yield from _secrets(element)
        case list():
            for element in value:
                yield from _secrets(element)


def _texts(value: Value) -> Iterable[str]:
    match value:
        case str():
            yield value
            yield from value.splitlines()
        case bool():
            return
        case int() | float():
            yield str(value)
        case dict():
            for element in value.values():
                yield from _texts(element)
        case list():
            for element in value:
                yield from _texts(element)
        case Secret(value=inner):
            yield from _texts(inner)
