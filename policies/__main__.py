"""The policy pack's program: makes policies of the rules and serves them, to pulumi or to the embedded engine."""

import sys
from collections.abc import Callable
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
from policies.rules import Resource, Rule

RULES = (*security.RULES, *cost.RULES)
Report = Callable[..., None]


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
        return StackValidationPolicy(validate=stack_validation(rule), **described)
    return ResourceValidationPolicy(validate=resource_validation(rule), **described)


def resource_validation(rule: Rule) -> Callable[[ResourceValidationArgs, Report], None]:
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
            for objection in rule.check_resource(resource, **parameters(rule, arguments)):
                report(rule.message(objection))

    return named(rule, validate)


def stack_validation(rule: Rule) -> Callable[[StackValidationArgs, Report], None]:
    """What the SDK calls for the stack."""

    def validate(arguments: StackValidationArgs, report: Report) -> None:
        resources = [
            Resource(each.resource_type, each.name, each.props, each.urn, list(each.opts.additional_secret_outputs))
            for each in arguments.resources
        ]
        for objection in rule.check_stack(resources, **parameters(rule, arguments)):
            report(rule.message(objection.message), objection.resource.urn if objection.resource else None)

    return named(rule, validate)


def parameters(rule: Rule, arguments: ResourceValidationArgs | StackValidationArgs) -> dict[str, float]:
    """The rule's parameters as configured."""
    return rule.defaults() | {name: value for name, value in arguments.get_config().items() if name in rule.parameters}


def named(rule: Rule, validate: Callable[[Any, Report], None]) -> Callable[[Any, Report], None]:
    """`validate`, whose failures say which rule failed: a broken rule stops a deployment, whatever its level."""

    def call(arguments: Any, report: Report) -> None:
        try:
            validate(arguments, report)
        except UnknownValueError:
            raise
        except Exception as error:
            subject = f" on {arguments.urn}" if hasattr(arguments, "urn") else ""
            raise RuntimeError(f"rule {rule.id} failed{subject}: {type(error).__name__}: {error}") from error

    return call


PolicyPack("trainyard", [policy(rule) for rule in RULES])
