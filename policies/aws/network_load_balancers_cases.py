"""Cases of the rules for load balancers on AWS."""

from typing import Any

from policies.aws import network_load_balancers as balancers
from policies.cases import Cases, made
from policies.resources import Resource

LISTENER, RULE, BALANCER = balancers.LISTENERS[0], balancers.LISTENER_RULES[0], balancers.LOAD_BALANCERS[0]

PUBLIC = made(BALANCER, "models", {"internal": False})
INTERNAL = made(BALANCER, "models", {"internal": True})
FORWARD = {"type": "forward", "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/1"}
TO_HTTPS = {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
ELSEWHERE = {"type": "redirect", "redirect": {"host": "example.com", "statusCode": "HTTP_301"}}
NOTHING = {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}


def listener(protocol: str | None, *actions: Any, of: Resource = PUBLIC, type_: str = LISTENER) -> Resource:
    """A listener on port 80."""
    properties = {"port": 80, "defaultActions": list(actions), **({"protocol": protocol} if protocol else {})}
    return made(type_, "listener", properties, refers={"loadBalancerArn": of})


def with_policy(protocol: str, policy: str | None) -> Resource:
    """A listener with a security policy."""
    return made(LISTENER, "listener", {"protocol": protocol, "port": 443, **({"sslPolicy": policy} if policy else {})})


def rule(of: Resource, action: Any) -> Resource:
    """A rule of a listener."""
    return made(RULE, "rule", {"actions": [action]}, refers={"listenerArn": of})


CASES = (
    Cases(
        balancers.load_balancer_encrypted,
        passing=[
            [PUBLIC, listener("HTTPS", FORWARD)],
            [PUBLIC, listener("HTTP", TO_HTTPS)],
            [PUBLIC, listener("HTTP", NOTHING)],
            [PUBLIC, listener("TCP", FORWARD)],
            [INTERNAL, listener("HTTP", FORWARD, of=INTERNAL)],
            [PUBLIC, listener("HTTPS", FORWARD), rule(listener("HTTPS", FORWARD), FORWARD)],
            [INTERNAL, listener("HTTP", NOTHING, of=INTERNAL), rule(listener("HTTP", NOTHING), FORWARD)],
            [PUBLIC, listener("HTTP", TO_HTTPS), rule(listener("HTTP", TO_HTTPS), TO_HTTPS)],
            made(LISTENER, "appliances", {"defaultActions": [FORWARD], "loadBalancerArn": "arn:gateway"}),
        ],
        failing=[
            ([PUBLIC, listener("HTTP", FORWARD)], "The listener serves HTTP in clear text."),
            ([PUBLIC, listener(None, FORWARD)], "The listener serves HTTP in clear text."),
            ([PUBLIC, listener("HTTP", ELSEWHERE)], "The listener serves HTTP in clear text."),
            (listener("HTTP", FORWARD, type_=balancers.LISTENERS[1]), "The listener serves HTTP in clear text."),
            ([INTERNAL, listener("HTTP", FORWARD, of=made(BALANCER, "other"))], "serves HTTP in clear text"),
            (
                [PUBLIC, listener("HTTP", TO_HTTPS), rule(listener("HTTP", TO_HTTPS), FORWARD)],
                "The rule serves HTTP in clear text by the listener listener.",
            ),
        ],
    ),
    Cases(
        balancers.load_balancer_strong_tls,
        passing=[
            with_policy("HTTPS", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
            with_policy("HTTPS", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),
            with_policy("TLS", "ELBSecurityPolicy-TLS13-1-3-2021-06"),
            with_policy("HTTPS", "ELBSecurityPolicy-FS-1-2-Res-2020-10"),
            with_policy("HTTP", None),
            with_policy("TCP", None),
        ],
        failing=[
            (with_policy("HTTPS", None), "The listener's policy ELBSecurityPolicy-2016-08 allows versions before"),
            (with_policy("TLS", "ELBSecurityPolicy-TLS-1-1-2017-01"), "allows versions before TLS 1.2."),
            (with_policy("HTTPS", "ELBSecurityPolicy-TLS13-1-0-2021-06"), "allows versions before TLS 1.2."),
        ],
    ),
    Cases(
        balancers.load_balancer_drops_invalid_headers,
        passing=[
            made(BALANCER, "models", {"dropInvalidHeaderFields": True}),
            made(BALANCER, "models", {"loadBalancerType": "network"}),
        ],
        failing=[
            (made(BALANCER, "models"), "The load balancer passes invalid headers on."),
            (
                made(BALANCER, "models", {"dropInvalidHeaderFields": False, "loadBalancerType": "application"}),
                "invalid",
            ),
        ],
    ),
)
