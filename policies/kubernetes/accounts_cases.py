"""Cases of the rules for service accounts and their tokens."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.kubernetes import accounts
from policies.kubernetes.manifests import JOB, NAMESPACE, SERVICE_ACCOUNT
from policies.kubernetes.sample_workloads import cron_job, deployment, job, metadata, pod, pod_spec
from policies.resources import Resource


def _account(name: str = "server", namespace: str = "vision", **content: Any) -> Resource:
    return made(SERVICE_ACCOUNT, name, {"metadata": metadata(name, namespace), **content})


_SPACE = made(NAMESPACE, "vision", {"metadata": {}})
_IN_SPACE = made(
    SERVICE_ACCOUNT,
    "server",
    {"metadata": {"namespace": UNKNOWN}, "automountServiceAccountToken": False},
    refers={"metadata": _SPACE},
)
_AS_ACCOUNT = made(
    JOB,
    "it",
    {
        "metadata": {"namespace": UNKNOWN},
        "spec": {"template": {"spec": pod_spec(serviceAccountName=UNKNOWN, automountServiceAccountToken=None)}},
    },
    refers={"spec": _IN_SPACE, "metadata": _SPACE},
)

CASES = (
    Cases(
        accounts.pod_own_service_account,
        passing=[
            deployment(),
            pod(serviceAccountName=None, serviceAccount="server"),
            # Named by Pulumi, so that the first preview knows only whose name it is.
            [_IN_SPACE, _AS_ACCOUNT],
        ],
        failing=[
            (deployment(serviceAccountName=None), "Its pods run as the default service account"),
            (pod(serviceAccountName="default"), "run as the default service account"),
            (cron_job(serviceAccountName=""), "run as the default service account"),
        ],
    ),
    Cases(
        accounts.pod_no_token,
        passing=[
            deployment(),
            [deployment(automountServiceAccountToken=None), _account(automountServiceAccountToken=False)],
            [_SPACE, _IN_SPACE, _AS_ACCOUNT],
            job(volumes=[{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]),
        ],
        failing=[
            (deployment(automountServiceAccountToken=True), "Its pods mount a token of the API server."),
            (pod(automountServiceAccountToken=None), "mount a token of the API server by default."),
            ([job(automountServiceAccountToken=None), _account()], "mount a token of the API server by default."),
            (
                [
                    job(automountServiceAccountToken=None),
                    _account(namespace="other", automountServiceAccountToken=False),
                ],
                "mount a token of the API server by default.",
            ),
            (
                [
                    job(automountServiceAccountToken=None),
                    _account(name="other", automountServiceAccountToken=False),
                ],
                "mount a token of the API server by default.",
            ),
        ],
    ),
)
