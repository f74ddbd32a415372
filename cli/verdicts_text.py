"""Foreign text as it can stand in every document: SARIF, JUnit's XML, and whatever shows them. Pure."""

import re

# What XML 1.0 has no place for (https://www.w3.org/TR/xml/#charsets): most control characters, lone surrogates, and two
# that Unicode never assigns. C1 controls are allowed there, and move a terminal's cursor.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def readable(text: str) -> str:
    """The text with what cannot be written escaped, such as ``\\x1b``, and with newlines as they are on Unix."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWRITABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)
