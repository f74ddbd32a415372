"""The one error of planning: input that cannot be planned with."""

from collections.abc import Iterable


class PlanningError(ValueError):
    """Wrong input. The message names the setting, its value and what would be valid: every problem, a line each."""

    @classmethod
    def of(cls, problems: Iterable[str]) -> "PlanningError":
        """One error for several problems, in their order."""
        return cls("\n".join(problems))
