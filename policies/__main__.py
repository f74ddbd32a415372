"""The policy pack's program: makes policies of the rules and serves them, to pulumi or to the embedded engine."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies import cost, security
from policies.rules import UNKNOWN, Resource, ResourceCheck, Rule, StackCheck

RULES = (*security.RULES, *cost.RULES)
Report = Callable[..., None]

undecided: set[str] = set()
"""The rules that met a value which this preview cannot know."""


def policy(rule: Rule) -> Policy:
    """The rule as a policy of the SDK."""
    properties = {
        name: {
            "type": "number",
            "default": parameter.default,
            "minimum": parameter.minimum,
            "description": parameter.description,
        }
        for name, parameter in rule.parameters.items()
    }
    described: dict[str, Any] = {
        "name": rule.id,
        "description": rule.title,
        "enforcement_level": EnforcementLevel(rule.level),
        "severity": Severity(rule.severity),
        "framework": PolicyComplianceFramework(name=", ".join(rule.frameworks)),
        "remediation_steps": rule.mend,
        "config_schema": PolicyConfigSchema(properties) if properties else None,
    }
    if rule.check_stack:
        return StackValidationPolicy(validate=stack_validation(rule, rule.check_stack), **described)
    assert rule.check_resource
    return ResourceValidationPolicy(validate=resource_validation(rule, rule.check_resource), **described)


def resource_validation(rule: Rule, check: ResourceCheck) -> Callable[[ResourceValidationArgs, Report], None]:
    """What the SDK calls for each resource."""

    def validate(arguments: ResourceValidationArgs, report: Report) -> None:
        if arguments.resource_type in rule.types:
            resource = Resource(
                type=arguments.resource_type,
                name=arguments.name,
                properties=arguments.props,
                urn=arguments.urn,
                secret_outputs=list(arguments.opts.additional_secret_outputs),
            )
            for objection in check(resource, **parameters(rule, arguments)):
                report(rule.message(objection))

    return named(rule, validate)


def stack_validation(rule: Rule, check: StackCheck) -> Callable[[StackValidationArgs, Report], None]:
    """What the SDK calls for the stack."""

    def validate(arguments: StackValidationArgs, report: Report) -> None:
        resources = [
            Resource(
                each.resource_type, each.name, known(each.props), each.urn, list(each.opts.additional_secret_outputs)
            )
            for each in arguments.resources
        ]
        for objection in check(resources, **parameters(rule, arguments)):
            report(rule.message(objection.message), objection.resource.urn if objection.resource else None)

    return named(rule, validate)


def known(value: Any) -> Any:
    """A copy of a value, with UNKNOWN in place of what a preview cannot know."""

    def item(container: Any, key: Any) -> Any:
        try:
            return known(container[key])
        except UnknownValueError:
            return UNKNOWN

    if isinstance(value, Mapping):
        return {name: item(value, name) for name in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [item(value, index) for index in range(len(value))]
    return value


def parameters(rule: Rule, arguments: ResourceValidationArgs | StackValidationArgs) -> dict[str, float]:
    """The rule's parameters as configured."""
    return rule.defaults() | {name: value for name, value in arguments.get_config().items() if name in rule.parameters}


def named(rule: Rule, validate: Callable[[Any, Report], None]) -> Callable[[Any, Report], None]:
    """`validate`, whose failures say which rule failed.

    A broken mandatory rule stops a deployment. A broken advisory one is told as a violation of it, so that it stops a
    deployment only where the configuration makes it mandatory.
    """

    def call(arguments: Any, report: Report) -> None:
        try:
            validate(arguments, report)
        except UnknownValueError:
            undecided.add(rule.id)
        except Exception as error:
            subject = f" on {arguments.urn}" if hasattr(arguments, "urn") else ""
            problem = f"rule {rule.id} failed{subject}: {type(error).__name__}: {error}"
            if rule.level == "mandatory":
                raise RuntimeError(problem) from error
            report(problem)

    return call


class Undecided(UnknownValueError):
    """What the SDK shows as an advisory, even where the configuration makes all policies mandatory."""

    def __init__(self, rules: Sequence[str]) -> None:
        Exception.__init__(self)
        self.message = f"the update decides {', '.join(rules)}, once it knows what they look at"


def tell_undecided(_arguments: StackValidationArgs, _report: Report) -> None:
    """One message for all rules and resources; the SDK's own would be one for each rule and resource."""
    rules = sorted(undecided)
    undecided.clear()
    if rules:
        raise Undecided(rules)


every_rule_is_decided = StackValidationPolicy(
    name="every-rule-is-decided",
    description="Every rule knows what it looks at.",
    validate=tell_undecided,
    enforcement_level=EnforcementLevel.ADVISORY,
    severity=Severity.LOW,
)

# The last one comes after all rules have been asked.
PolicyPack("trainyard", [*(policy(rule) for rule in RULES), every_rule_is_decided])
