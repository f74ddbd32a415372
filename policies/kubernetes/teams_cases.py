"""Cases of the rules that keep the data of teams apart."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.kubernetes import teams
from policies.kubernetes.manifests import JOB, SERVICE_ACCOUNT
from policies.kubernetes.namespaces_cases import space
from policies.kubernetes.network_cases import policy
from policies.kubernetes.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS
from policies.kubernetes.roles_cases import role, rule
from policies.kubernetes.sample_workloads import container, cron_job, deployment, job, metadata, pod_spec
from policies.kubernetes.scheduling import QUEUE_LABEL
from policies.kubernetes.scheduling_cases import queue, with_gpu
from policies.kubernetes.teams import CONFIG_MAP, SECRET
from policies.resources import Resource

VISION = space("vision", team="vision")
SPEECH = space("speech", team="speech")
SPEECH_TOO = space("speech-notebooks", team="speech")
MONITORING = space("monitoring")
TEAMS = [VISION, SPEECH, MONITORING]


def _object(type_: str, name: str, namespace: str) -> Resource:
    return made(type_, f"{namespace}-{name}", {"metadata": metadata(name, namespace)})


def _binding(*subjects: dict[str, Any], role_name: str = "member", cluster: bool = False) -> Resource:
    kind = "ClusterRole" if cluster else "Role"
    return made(
        (CLUSTER_ROLE_BINDINGS if cluster else ROLE_BINDINGS)[0],
        "binding",
        {
            "metadata": {"name": "binding"} if cluster else metadata("binding"),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role_name},
            "subjects": list(subjects),
        },
    )


def _group(name: str) -> dict[str, Any]:
    return {"kind": "Group", "name": name}


def _account(namespace: Any) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "name": "server", "namespace": namespace}


def _from(selector: dict[str, Any], **more: Any) -> Resource:
    return policy(name="in", ingress=[{"from": [{"namespaceSelector": selector}], "ports": [{"port": 80}], **more}])


def _named(*values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(values)}]}


_SECRETS = [{"name": "token", "secret": {"secretName": "hub"}}]
_SETTINGS = container({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]})
_OF_SPEECH = _object(SERVICE_ACCOUNT, "server", "speech")
_BY_REFERENCE = made(
    JOB,
    "it",
    {"metadata": metadata("it"), "spec": {"template": {"spec": pod_spec(serviceAccountName=UNKNOWN)}}},
    refers={"spec": _OF_SPEECH},
)
_READER = role(rule("get list", "pods"), name="reader", type_=CLUSTER_ROLES[0])
_PRIORITIES = role(rule("get list", "priorityclasses nodes"), name="priorities", type_=CLUSTER_ROLES[0])

CASES = (
    Cases(
        teams.workload_own_objects,
        passing=[
            [VISION, deployment(volumes=_SECRETS), _object(SECRET, "hub", "vision"), _object(SECRET, "hub", "speech")],
            # Neither is made here: somebody else sees to it.
            [VISION, deployment(_SETTINGS, volumes=_SECRETS)],
            [deployment(volumes=_SECRETS), _object(SECRET, "hub", "speech")],
        ],
        failing=[
            ([VISION, deployment(volumes=_SECRETS), _object(SECRET, "hub", "speech")], "It uses Secret hub, which"),
            ([VISION, deployment(), _OF_SPEECH], "It uses ServiceAccount server, which this program makes in another"),
            ([VISION, job(_SETTINGS), _object(CONFIG_MAP, "settings", "speech")], "It uses ConfigMap settings, which"),
            ([_BY_REFERENCE, _OF_SPEECH], "It uses ServiceAccount (not known yet), which"),
        ],
    ),
    Cases(
        teams.job_own_queue,
        passing=[
            [VISION, queue(), job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [VISION, queue(), cron_job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [VISION, job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [queue(namespace="speech"), job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [VISION, queue(), job()],
        ],
        failing=[
            ([VISION, queue(namespace="speech"), job(with_gpu(), labels={QUEUE_LABEL: "spot"})], "names queue spot"),
            ([VISION, queue(), cron_job(with_gpu(), labels={QUEUE_LABEL: "on-demand"})], "names queue on-demand"),
        ],
    ),
    Cases(
        teams.team_own_members,
        passing=[
            [*TEAMS, _binding(_group("trainyard:vision"), _account("vision"))],
            [*TEAMS, _binding(_account("monitoring"))],
            [SPEECH, _binding(_group("trainyard:speech"))],
        ],
        failing=[
            ([*TEAMS, _binding(_group("trainyard:speech"))], "to trainyard:speech of team speech."),
            ([*TEAMS, _binding(_account("vision"), _account("speech"))], "to server of team speech."),
            ([*TEAMS, _binding(_group("system:serviceaccounts:speech"))], "of team speech."),
        ],
    ),
    Cases(
        teams.team_no_cluster_rights,
        passing=[
            [*TEAMS, _PRIORITIES, _binding(_group("trainyard:vision"), role_name="priorities", cluster=True)],
            [*TEAMS, _READER, _binding(_account("monitoring"), role_name="reader", cluster=True)],
            [*TEAMS, _READER, _PRIORITIES, _binding(_account("vision"), role_name="priorities", cluster=True)],
        ],
        failing=[
            (
                [*TEAMS, _READER, _binding(_group("trainyard:vision"), role_name="reader", cluster=True)],
                "It lets trainyard:vision of team vision see into all namespaces.",
            ),
            ([*TEAMS, _binding(_account("speech"), role_name="view", cluster=True)], "It lets server of team speech"),
        ],
    ),
    Cases(
        teams.team_own_network,
        passing=[
            [*TEAMS, _from(_named("monitoring"))],
            [*TEAMS, policy(ingress=[{"from": [{"podSelector": {}}]}])],
            [*TEAMS, policy(egress=[{"to": [{"namespaceSelector": {}}]}])],
            [SPEECH, MONITORING, _from(_named("speech"))],
            # Everything on all ports is a fault of its own.
            [*TEAMS, policy(ingress=[{"from": [{"namespaceSelector": {}}]}])],
            [
                SPEECH,
                SPEECH_TOO,
                policy("speech", ingress=[{"from": [{"namespaceSelector": _named("speech-notebooks")}]}]),
            ],
        ],
        failing=[
            ([*TEAMS, _from(_named("speech", "monitoring"))], "It lets in pods of team speech."),
            ([*TEAMS, _from({})], "It lets in pods of team speech."),
            (
                [*TEAMS, policy(ingress=[{"from": [{"podSelector": {}}, {"namespaceSelector": _named("speech")}]}])],
                "It lets in pods of team speech.",
            ),
        ],
    ),
)
