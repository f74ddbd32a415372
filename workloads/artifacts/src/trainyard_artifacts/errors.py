"""The one family of errors that this package raises.

A message is complete on one line: which object or key, which operation, and why. It never holds a credential.
"""

import os
import re

_SECRET_VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
_XML_CODE = re.compile(r"<Code>([^<]*)</Code>")
_XML_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_LONGEST_REASON = 300


class ArtifactError(Exception):
    """Something about stored objects, their encryption or their manifest is not as it must be."""


def one_line_reason(error: BaseException | str) -> str:
    """Shorten a library's error to one line of at most 300 characters without credentials.

    Object storage answers with XML documents that may echo the request, its signature included, and the libraries quote
    them whole. Only the document's code and message are kept.
    """
    text = str(error)
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    if code:
        text = f"{code[1]}: {message[1]}" if message and message[1] else code[1]
    else:
        text = text.split("\n\nDebug source:")[0]
    text = " ".join(text.split())
    for variable in _SECRET_VARIABLES:
        secret = os.environ.get(variable)
        if secret:
            text = text.replace(secret, f"[{variable}]")
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
