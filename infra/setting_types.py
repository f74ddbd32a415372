"""The types that settings are made of: what a value may be is told by its type and its constraints."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _refuse_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number_expected", "a truth value is not a number")
    return value


def _refuse_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("truth_value_expected", "a number is not a truth value")
    return value


# `pulumi config set --path` stores some numbers as text, so text that reads as a number is one.
Whole = Annotated[int, BeforeValidator(_refuse_truth_value)]
Real = Annotated[float, BeforeValidator(_refuse_truth_value), Field(allow_inf_nan=False)]
Truth = Annotated[bool, BeforeValidator(_refuse_number)]
Port = Annotated[Whole, Field(ge=0, le=65535)]


class Group(BaseModel):
    """Settings that belong together: an object in the stack file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


def refuse(problem: str, *, field: str | None = None) -> PydanticCustomError:
    """The error of a value that its type allows and that is wrong all the same.

    :param problem: What would be valid, in words that follow `KEY = VALUE: `.
    :param field: The field of the group that is wrong, where a validator of the whole group tells it.
    """
    # Braces would be taken for placeholders.
    context = {"problem": problem} | ({} if field is None else {"field": field})
    return PydanticCustomError("refused", "{problem}", context)


def refuse_all(problems: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """The error of a group in which several values are wrong, so that all of them are told at once.

    :param problems: Field and problem of each, as for `refuse`.
    """
    return PydanticCustomError(
        "refused", "{problem}", {"problem": "; ".join(problem for _, problem in problems), "problems": [*problems]}
    )


def pattern(expression: str, valid: str, *, required: bool = False) -> AfterValidator:
    """Text that a regular expression describes, or none at all where that is allowed.

    :param valid: What the expression describes, in words.
    """

    def check(text: str) -> str:
        if (text or required) and not re.fullmatch(expression, text, re.ASCII):
            raise refuse(f"must be {valid}")
        return text

    return AfterValidator(check)


ImageByDigest = Annotated[str, pattern(r"[\w./:-]+@sha256:[0-9a-f]{64}", "an image by its digest, NAME@sha256:DIGEST")]
