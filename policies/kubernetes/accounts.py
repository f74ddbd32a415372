"""Rules for the service accounts of pods, and for the tokens of the API server that come with them."""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.manifests import (
    SERVICE_ACCOUNT,
    WORKLOADS,
    is_off,
    names,
    pod_of,
    refers_to_type,
    share_namespace,
    told_or_referred,
)
from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import Unknown, any_holds, get, is_true, known


@related_rule(
    *WORKLOADS,
    id="kubernetes-pod-own-service-account",
    title="Pods run as a service account of their own.",
    severity="medium",
    frameworks=("CKV_K8S_41", "CIS Kubernetes 1.8.0 5.1.5", "NIST AC-6"),
    wrong="What is granted to the namespace's default account, in the cluster or the cloud, every pod in it then has.",
    mend="make a ServiceAccount for the workload, and name it in serviceAccountName.",
)
def pod_own_service_account(workload: Resource, _stack: Stack) -> Iterator[str]:
    """Without a name, Kubernetes takes the account `default`."""
    name = account_of(workload)
    if isinstance(name, Unknown) and refers_to_type(workload, "spec", SERVICE_ACCOUNT):
        return
    if known(name) in (None, "", "default"):
        yield "Its pods run as the default service account of their namespace."


@related_rule(
    *WORKLOADS,
    id="kubernetes-pod-no-token",
    title="Pods get no token of the API server unasked.",
    severity="medium",
    frameworks=("CKV_K8S_38", "CIS Kubernetes 1.8.0 5.1.6", "NIST AC-6", "NIST IA-5"),
    wrong="Whoever gets into a container can then speak to the API server in the name of the workload.",
    mend="set automountServiceAccountToken to false; a program that needs the API mounts a projected "
    "serviceAccountToken, which tells for whom and how long it is good.",
)
def pod_no_token(workload: Resource, stack: Stack) -> Iterator[str]:
    """What the pod does not say, its service account decides; by default the token is mounted."""
    mounted = get(pod_of(workload), "automountServiceAccountToken")
    if is_off(mounted):
        return
    if is_true(mounted):
        yield "Its pods mount a token of the API server."
        return
    name = account_of(workload)

    def keeps_token(account: Resource) -> bool:
        return (
            is_off(account.get("automountServiceAccountToken"))
            and names(workload, "spec", name, account)
            and share_namespace(workload, account)
        )

    if not any_holds(keeps_token, stack.of(SERVICE_ACCOUNT)):
        yield "Its pods mount a token of the API server by default."


def account_of(workload: Resource) -> Any:
    """The name of the service account that pods run as; `serviceAccount` is its old name."""
    pod = pod_of(workload)
    name = get(pod, "serviceAccountName", default=get(pod, "serviceAccount"))
    return told_or_referred(workload, name, "spec", SERVICE_ACCOUNT)


RULES = (pod_own_service_account, pod_no_token)
