"""Cases of the rules for what of its node a pod reaches."""

from policies.cases import Cases, made
from policies.kubernetes import pods
from policies.kubernetes.manifests import PERSISTENT_VOLUME
from policies.kubernetes.sample_workloads import container, cron_job, deployment, job, pod

CASES = (
    Cases(
        pods.pod_no_host_namespaces,
        passing=[deployment(), pod(hostNetwork=False)],
        failing=[
            (deployment(hostNetwork=True), "Its pods share the node's network (hostNetwork)."),
            (pod(hostPID=True), "share the node's processes (hostPID)."),
            (cron_job(hostIPC=True), "share the node's shared memory (hostIPC)."),
        ],
    ),
    Cases(
        pods.pod_no_host_path,
        passing=[
            deployment(),
            job(volumes=[{"name": "scratch", "emptyDir": {}}]),
            made(PERSISTENT_VOLUME, "disk", {"spec": {"local": {"path": "/mnt/disk"}}}),
        ],
        failing=[
            (made(PERSISTENT_VOLUME, "root", {"spec": {"hostPath": {"path": "/"}}}), "The volume is the node's /."),
            (
                deployment(volumes=[{"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}]),
                "Volume 'docker' is the node's /var/run/docker.sock.",
            ),
            (
                pod(volumes=[{"name": "scratch", "emptyDir": {}}, {"name": "logs", "hostPath": {"path": "/var/log"}}]),
                "Volume 'logs' is the node's /var/log.",
            ),
        ],
    ),
    Cases(
        pods.pod_volume_types,
        passing=[
            deployment(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]),
            job(volumes=[{"name": "model", "image": {"reference": "registry.example.com/model"}}]),
            pod(volumes=[{"name": "logs", "hostPath": {"path": "/var/log"}}]),
            pod(volumes=[{"name": "all", "projected": {"sources": []}}, {"name": "keys", "csi": {"driver": "a"}}]),
        ],
        failing=[
            (job(volumes=[{"name": "data", "nfs": {"server": "10.0.0.9", "path": "/"}}]), "'data' is of type nfs."),
            (
                deployment(volumes=[{"name": "disk", "awsElasticBlockStore": {"volumeID": "vol-1"}}]),
                "Volume 'disk' is of type awsElasticBlockStore.",
            ),
        ],
    ),
    Cases(
        pods.pod_safe_sysctls,
        passing=[
            deployment(),
            pod(securityContext={"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}),
        ],
        failing=[
            (
                pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}),
                "Its pods set kernel.msgmax.",
            ),
            (
                deployment(
                    securityContext={
                        "sysctls": [
                            {"name": "net.ipv4.tcp_fin_timeout", "value": "30"},
                            {"name": "net.core.somaxconn", "value": "1024"},
                        ]
                    }
                ),
                "Its pods set net.core.somaxconn.",
            ),
        ],
    ),
    Cases(
        pods.container_no_host_ports,
        passing=[deployment(), pod(container({"ports": [{"containerPort": 8080, "hostPort": 0}]}))],
        failing=[
            (
                deployment(container({"ports": [{"containerPort": 8080, "hostPort": 80}]})),
                "Container 'server' listens on port 80 of the node.",
            ),
            (
                pod(container({"ports": [{"containerPort": 8080}, {"containerPort": 9, "hostPort": 9}]})),
                "listens on port 9 of the node.",
            ),
        ],
    ),
    Cases(
        pods.container_masked_proc,
        passing=[
            deployment(),
            pod(container(procMount="Default")),
            pod(container(procMount="Unmasked"), hostUsers=False),
        ],
        failing=[(job(container(procMount="Unmasked")), "Container 'server' has procMount Unmasked.")],
    ),
    Cases(
        pods.container_probes_itself,
        passing=[deployment(), pod(container({"livenessProbe": {"exec": {"command": ["true"]}}}))],
        failing=[
            (
                deployment(container({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}})),
                "Container 'server' has a livenessProbe that calls 169.254.169.254.",
            ),
            (
                pod(container({"lifecycle": {"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}})),
                "has a preStop that calls 10.0.0.1.",
            ),
            (
                job(container({"startupProbe": {"tcpSocket": {"host": "10.0.0.1", "port": 22}}})),
                "has a startupProbe that calls 10.0.0.1.",
            ),
        ],
    ),
)
