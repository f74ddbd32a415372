"""Whether a property is given, where its value is another resource's output that a first preview cannot know."""

from policies.resources import Resource
from policies.values import Unknown, is_text, known


def is_given(resource: Resource, *path: str | int) -> bool:
    """Whether the property at `path` is a text or an output of another resource. Raises Undecided.

    A first preview does not know the name of a key that it is going to create. That the property is made of one is
    known all the same, to rules of the stack and of its resources in the stack.
    """
    value = resource.get(*path)
    if isinstance(value, Unknown):
        known(resource.get(*path[:-1]))
        if resource.property_dependencies.get(str(path[0])):
            return True
    return is_text(value)
