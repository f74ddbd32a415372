"""Whether a property names a key of the account's own, where a first preview cannot know its value."""

from policies.references import is_given
from policies.resources import Resource
from policies.values import Unknown

_KEY_OF_AWS = "alias/aws/"
"""What the name of a key begins with that AWS made and manages."""


def names_own_key(resource: Resource, *path: str | int) -> bool:
    """Whether the property at `path` is given, and is no key that AWS manages. Raises Undecided.

    Everybody in the account may use those keys through their service, and nobody can change their policy.
    """
    value = resource.get(*path)
    return is_given(resource, *path) and (isinstance(value, Unknown) or _KEY_OF_AWS not in value)
