"""Rules for load balancers on AWS: what they say in clear text, and by which version of TLS."""

from collections.abc import Iterator
from typing import Any

from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, is_true, known

LOAD_BALANCERS = ("aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer")
LISTENERS = ("aws:lb/listener:Listener", "aws:alb/listener:Listener")
LISTENER_RULES = ("aws:lb/listenerRule:ListenerRule", "aws:alb/listenerRule:ListenerRule")

_STRONG_POLICIES = tuple(f"ELBSecurityPolicy-{name}" for name in ("TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2"))
"""How names begin of policies with TLS 1.2 as the oldest version. Source: Elastic Load Balancing user guides,
"Security policies"."""


@related_rule(
    *LISTENERS,
    *LISTENER_RULES,
    id="aws-load-balancer-encrypted",
    title="Load balancers that the internet reaches speak HTTPS, and send HTTP there.",
    severity="high",
    frameworks=("CKV_AWS_2", "CKV2_AWS_20", "NIST SC-8"),
    wrong="Whoever is on the way reads and changes what is said, keys and tokens included.",
    mend="set protocol HTTPS with a certificateArn, or let defaultActions redirect to HTTPS.",
)
def load_balancer_encrypted(subject: Resource, stack: Stack) -> Iterator[str]:
    """An internal one may speak HTTP. TCP is passed on as it is, so the target may speak TLS."""
    if subject.type in LISTENERS:
        if _speaks_http(subject, stack) and not all_hold(_gives_nothing, as_list(subject.get("defaultActions"))):
            yield "The listener serves HTTP in clear text."
        return
    if not all_hold(_gives_nothing, as_list(subject.get("actions"))):
        for listener in stack.of(*LISTENERS):
            with subject.apart():
                if subject.refers_to(listener, "listenerArn") and _speaks_http(listener, stack):
                    yield f"The rule serves HTTP in clear text by the listener {listener.name}."


def _speaks_http(listener: Resource, stack: Stack) -> bool:
    """Without a protocol, a listener of an application load balancer speaks HTTP; that of a gateway has no port."""
    if listener.get("port") is None or known(listener.get("protocol", default="HTTP")) != "HTTP":
        return False
    balancers = stack.of(*LOAD_BALANCERS)
    return not any_holds(lambda each: listener.refers_to(each, "loadBalancerArn") and _is_internal(each), balancers)


def _is_internal(balancer: Resource) -> bool:
    return is_true(balancer.get("internal"))


def _gives_nothing(action: Any) -> bool:
    """Whether it redirects to HTTPS, or answers by itself."""
    if get(action, "type") == "redirect":
        return bool(get(action, "redirect", "protocol", default="#{protocol}") == "HTTPS")
    return bool(get(action, "type") == "fixed-response")


@resource_rule(
    *LISTENERS,
    id="aws-load-balancer-strong-tls",
    title="Load balancers speak TLS 1.2 or later.",
    severity="high",
    frameworks=("CKV_AWS_103", "CKV2_AWS_74", "NIST SC-8", "NIST SC-13"),
    wrong="Who listens on the way can make both sides use a version or a cipher that is broken.",
    mend="set sslPolicy to a policy such as ELBSecurityPolicy-TLS13-1-2-2021-06.",
)
def load_balancer_strong_tls(listener: Resource) -> Iterator[str]:
    """Without a policy, the default is ELBSecurityPolicy-2016-08, which allows TLS 1.0."""
    if known(listener.get("protocol")) in ("HTTPS", "TLS"):
        policy = known(listener.get("sslPolicy", default="ELBSecurityPolicy-2016-08"))
        if not policy.startswith(_STRONG_POLICIES):
            yield f"The listener's policy {policy} allows versions before TLS 1.2."


@resource_rule(
    *LOAD_BALANCERS,
    id="aws-load-balancer-drops-invalid-headers",
    title="Application load balancers drop headers that are not valid.",
    severity="medium",
    frameworks=("CKV_AWS_131", "NIST SI-10"),
    wrong="A request that the balancer and the target read differently can carry another one past all checks.",
    mend="set dropInvalidHeaderFields to true.",
)
def load_balancer_drops_invalid_headers(balancer: Resource) -> Iterator[str]:
    """It is off unless the load balancer says otherwise; only application load balancers read headers."""
    kind = known(balancer.get("loadBalancerType", default="application"))
    if kind == "application" and not is_true(balancer.get("dropInvalidHeaderFields")):
        yield "The load balancer passes invalid headers on."


RULES = (
    load_balancer_encrypted,
    load_balancer_strong_tls,
    load_balancer_drops_invalid_headers,
)
