"""Evaluates the conditions of grants that this project writes: a small part of the Common Expression Language.

A stand-in for Google's own evaluation: it knows the operators, functions and attributes that occur here, and refuses
all others, whatever the request. Cloud Storage's attributes of the API are among those: in a role's condition they make
it fail. Source: IAM, "Overview of IAM Conditions" and "Attribute reference for IAM Conditions".
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BUCKET, OBJECT = "storage.googleapis.com/Bucket", "storage.googleapis.com/Object"
MODIFIED = "iam.googleapis.com/modifiedGrantsByRole"


@dataclass(frozen=True)
class Request:
    """What Google asks IAM about."""

    type: str
    """Of the resource."""
    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the API, by name: those that such a request has."""


def get(bucket: str, name: str) -> Request:
    """Reads, makes, replaces or removes an object."""
    return Request(OBJECT, f"projects/_/buckets/{bucket}/objects/{name}")


def list_objects(bucket: str) -> Request:
    """Lists objects of a bucket, whichever, or tells whether one that is asked for is missing or forbidden."""
    return Request(BUCKET, f"projects/_/buckets/{bucket}")


def change_policy(type_: str, name: str, *roles: str) -> Request:
    """Grants or takes roles on a resource."""
    return Request(type_, name, {MODIFIED: [*roles]})


def holds(expression: str, request: Request) -> bool:
    """Whether the condition lets the request through."""
    python = re.sub(r"!(?!=)", " not ", expression.replace("&&", " and ").replace("||", " or "))
    condition = ast.parse(python, mode="eval").body
    for node in ast.walk(condition):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "api.getAttribute":
            assert ast.literal_eval(node.args[0]) == MODIFIED, f"none of a role's condition: {ast.unparse(node)}"
    return bool(_value(condition, request))


def _value(node: ast.expr, request: Request) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.List():
            return [_value(each, request) for each in node.elts]
        case ast.BoolOp(op=ast.And()):
            return all(_value(each, request) for each in node.values)
        case ast.BoolOp(op=ast.Or()):
            return any(_value(each, request) for each in node.values)
        case ast.Compare(ops=[ast.Eq()], comparators=[right]):
            return _value(node.left, request) == _value(right, request)
        case ast.Compare(ops=[ast.NotEq()], comparators=[right]):
            return _value(node.left, request) != _value(right, request)
        case ast.Attribute(value=ast.Name(id="resource"), attr="type" | "name"):
            return getattr(request, node.attr)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="api"), attr="getAttribute"), args=[name, default]):
            return request.attributes.get(_value(name, request), _value(default, request))
        case ast.Call(func=ast.Attribute(attr="startsWith"), args=[beginning]):
            return str(_value(node.func.value, request)).startswith(_value(beginning, request))
        case ast.Call(func=ast.Attribute(attr="endsWith"), args=[end]):
            return str(_value(node.func.value, request)).endswith(_value(end, request))
        case ast.Call(func=ast.Attribute(attr="hasOnly"), args=[allowed]):
            return set(_value(node.func.value, request)) <= set(_value(allowed, request))
    raise AssertionError(f"unknown in a condition: {ast.unparse(node)}")
