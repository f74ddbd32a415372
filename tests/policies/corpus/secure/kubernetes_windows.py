"""A nightly report on Windows, where the settings of Linux do not exist, and one that is root in a user namespace."""

import pulumi_kubernetes as k8s

RESOURCES = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}


def nightly(name: str, pod: k8s.core.v1.PodSpecArgs) -> None:
    k8s.batch.v1.CronJob(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=name, namespace="reports"),
        spec=k8s.batch.v1.CronJobSpecArgs(
            schedule="0 3 * * *",
            job_template=k8s.batch.v1.JobTemplateSpecArgs(
                spec=k8s.batch.v1.JobSpecArgs(template=k8s.core.v1.PodTemplateSpecArgs(spec=pod))
            ),
        ),
    )


nightly(
    "windows",
    k8s.core.v1.PodSpecArgs(
        os=k8s.core.v1.PodOSArgs(name="windows"),
        restart_policy="OnFailure",
        service_account_name="reports",
        automount_service_account_token=False,
        security_context=k8s.core.v1.PodSecurityContextArgs(run_as_non_root=True),
        containers=[
            k8s.core.v1.ContainerArgs(
                name="report",
                image=f"registry.example.com/report-windows@sha256:{'7' * 64}",
                resources=k8s.core.v1.ResourceRequirementsArgs(**RESOURCES),
            )
        ],
    ),
)
nightly(
    "packages",
    k8s.core.v1.PodSpecArgs(
        host_users=False,
        restart_policy="OnFailure",
        service_account_name="reports",
        automount_service_account_token=False,
        security_context=k8s.core.v1.PodSecurityContextArgs(
            run_as_user=0, seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault")
        ),
        containers=[
            k8s.core.v1.ContainerArgs(
                name="build",
                image=f"registry.example.com/packages@sha256:{'8' * 64}",
                resources=k8s.core.v1.ResourceRequirementsArgs(**RESOURCES),
                security_context=k8s.core.v1.SecurityContextArgs(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
                ),
            )
        ],
    ),
)
