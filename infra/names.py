"""Names that every cloud takes: pure, the same for the same project and stack, and another one for each."""

import hashlib
import re

MOST_OF_PREFIX = 30
"""Characters of what the names of a stack begin with."""


def prefix_of(project: str, stack: str) -> str:
    """What every name of a stack begins with: at most 30 of a-z, 0-9 and -; another one for each project and stack."""
    # What a name cannot have makes a digest of it part of the prefix, where the hyphens would not tell project and
    # stack apart.
    between = "/" if "-" in project else "-"
    return fit(f"{project}{between}{stack}", MOST_OF_PREFIX)


def fit_characters(text: str) -> str:
    """The text in lower case, with one hyphen for whatever is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def fit(text: str, most: int) -> str:
    """A valid name of at most so many characters. Where the text cannot be kept as it is, a digest keeps two of them
    apart."""
    name = fit_characters(text)
    if name == text and len(name) <= most:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name[: most - 9].strip('-')}-{digest}"
