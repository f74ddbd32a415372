"""Cases of the rules for what a container may do to its node."""

from policies.cases import Cases, made
from policies.kubernetes import privileges
from policies.kubernetes.manifests import DAEMON_SETS
from policies.kubernetes.sample_workloads import WINDOWS, container, cron_job, deployment, job, metadata, pod, pod_spec
from policies.resources import Resource

_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/server"


def _annotated(profile: str) -> Resource:
    template = {"metadata": {"annotations": {_ANNOTATION: profile}}, "spec": pod_spec()}
    return made(DAEMON_SETS[0], "it", {"metadata": metadata("it"), "spec": {"template": template}})


CASES = (
    Cases(
        privileges.container_not_privileged,
        passing=[deployment(), pod(container(privileged=False)), job(container(), **WINDOWS)],
        failing=[
            (deployment(container(privileged=True)), "Container 'server' is privileged."),
            (pod(container(), container(privileged=True)), "is privileged."),
            (cron_job(initContainers=[container({"name": "mount"}, privileged=True)]), "Container 'mount' is pri"),
            (pod(ephemeralContainers=[container({"name": "debug"}, privileged=True)]), "Container 'debug' is pri"),
            (job(container(windowsOptions={"hostProcess": True}), **WINDOWS), "is a process of the node."),
            (
                deployment(securityContext={"windowsOptions": {"hostProcess": True}}, os={"name": "windows"}),
                "Its pods are processes of the node.",
            ),
        ],
    ),
    Cases(
        privileges.container_no_privilege_escalation,
        passing=[
            deployment(),
            job(container(allowPrivilegeEscalation=None), **WINDOWS),
            # The API server refuses the two together.
            pod(container(privileged=True, allowPrivilegeEscalation=None)),
        ],
        failing=[
            (deployment(container(allowPrivilegeEscalation=True)), "Container 'server' may gain privileges."),
            (cron_job(container(allowPrivilegeEscalation=None)), "may gain privileges."),
            (job(container({"securityContext": None}, readOnlyRootFilesystem=True)), "may gain privileges."),
            (pod(initContainers=[{"name": "fetch"}]), "Container 'fetch' may gain privileges."),
        ],
    ),
    Cases(
        privileges.container_non_root,
        passing=[
            deployment(),
            pod(container(runAsNonRoot=True), securityContext={}),
            job(securityContext={"runAsNonRoot": True}),
            deployment(container(runAsUser=1000), securityContext={"runAsNonRoot": True, "runAsUser": 0}),
            deployment(securityContext={"runAsUser": 0}, hostUsers=False),
        ],
        failing=[
            (deployment(securityContext={}), "Container 'server' may run as root."),
            (deployment(securityContext={"runAsUser": 1000}), "may run as root."),
            (pod(container(runAsNonRoot=False)), "may run as root."),
            (job(container(), initContainers=[container({"name": "own"}, runAsUser=0)]), "'own' runs as user 0"),
            (job(securityContext={"runAsNonRoot": True, "runAsUser": 0}), "runs as user 0, which is root."),
            (cron_job(securityContext={"runAsUser": 0}, hostUsers=True), "may run as root."),
        ],
    ),
    Cases(
        privileges.container_capabilities,
        passing=[
            deployment(),
            pod(container(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})),
            job(container(capabilities={"drop": ["NET_RAW", "ALL"]})),
            job(container(capabilities=None), **WINDOWS),
        ],
        failing=[
            (deployment(container(capabilities=None)), "Container 'server' does not drop all capabilities."),
            (pod(container(capabilities={"drop": ["NET_RAW"]})), "does not drop all capabilities."),
            (job(container(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]})), "adds capability SYS_ADMIN."),
            (
                cron_job(container(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "IPC_LOCK"]})),
                "adds capability IPC_LOCK.",
            ),
        ],
    ),
    Cases(
        privileges.container_seccomp,
        passing=[
            deployment(),
            pod(container(seccompProfile={"type": "Localhost"}), securityContext={}),
            job(container(seccompProfile={"type": "RuntimeDefault"}), securityContext={"seccompProfile": {}}),
            job(container(), **WINDOWS),
        ],
        failing=[
            (deployment(securityContext={"runAsNonRoot": True}), "Container 'server' has no seccomp profile."),
            (pod(container(seccompProfile={"type": "Unconfined"})), "has profile Unconfined."),
            (job(securityContext={"seccompProfile": {"type": "Unconfined"}}), "has profile Unconfined."),
        ],
    ),
    Cases(
        privileges.container_confinement_kept,
        passing=[
            deployment(),
            pod(container(appArmorProfile={"type": "Localhost", "localhostProfile": "server"})),
            job(securityContext={"seLinuxOptions": {"type": "container_t", "level": "s0:c1,c2"}}),
            _annotated("runtime/default"),
        ],
        failing=[
            (deployment(container(appArmorProfile={"type": "Unconfined"})), "has AppArmor profile Unconfined."),
            (pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}), "Its pods have AppArmor profile"),
            (job(container(seLinuxOptions={"type": "spc_t"})), "has SELinux type spc_t."),
            (cron_job(securityContext={"seLinuxOptions": {"user": "system_u"}}), "have an SELinux user of its own."),
            (_annotated("unconfined"), f"Annotation {_ANNOTATION} is unconfined."),
        ],
    ),
    Cases(
        privileges.container_read_only_root,
        passing=[deployment(), job(container(readOnlyRootFilesystem=None), **WINDOWS)],
        failing=[
            (deployment(container(readOnlyRootFilesystem=False)), "Container 'server' can write to its root"),
            (pod(container(readOnlyRootFilesystem=None)), "can write to its root file system."),
            (job(initContainers=[{"name": "fetch"}]), "Container 'fetch' can write to its root"),
        ],
    ),
)
