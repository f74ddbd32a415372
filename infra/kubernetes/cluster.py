"""A Kubernetes cluster as what runs jobs and services: their objects, made in order and waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from typing_extensions import override

from infra.cluster import Cluster, EntryPoint, Job, JobSpecification, Service, ServiceSpecification
from infra.kubernetes.indexed_job import JobSurroundings, deadline_seconds, job_manifests
from infra.kubernetes.object import KubernetesObject, Manifest, pulumi_name
from infra.kubernetes.service.exposure import endpoints, is_encrypted
from infra.kubernetes.service.manifests import service_manifests
from infra.kubernetes.service.surroundings import ServiceSurroundings


@dataclass(frozen=True, kw_only=True)
class KubernetesClusterArguments:
    """What the cluster is known by."""

    provider: pulumi.ProviderResource
    images: Mapping[str, pulumi.Input[str]]
    """Each image by its digest, by the name that entry points know it by."""
    without_image: str
    """What to do about an image that is not there, in a sentence."""
    jobs: JobSurroundings
    services: ServiceSurroundings
    after: Sequence[pulumi.Resource]
    """What has to be there before any workload: namespaces, queues, identities."""


class KubernetesCluster(Cluster):
    """Runs jobs and services as pods."""

    def __init__(self, args: KubernetesClusterArguments) -> None:
        self._args = args

    @override
    def obstacle(self, entry_point: EntryPoint) -> str | None:
        if entry_point.image in self._args.images:
            return None
        return f"there is no image {entry_point.image}; {self._args.without_image}"

    @override
    def run_job(self, name: str, job: JobSpecification, opts: pulumi.ResourceOptions | None = None) -> Job:
        manifests = job_manifests(name, job, self._args.images[job.entry_point.image], self._args.jobs)
        seconds = round(job.pods.wait_hours * 3600) + deadline_seconds(job, self._args.jobs)
        made = self._make(manifests, opts, seconds)
        job_object = made[-1]
        ended = job_object.status.apply(lambda status: exit_code(name, status))
        return Job(ended.apply(lambda _: job_object), ended)

    @override
    def run_service(
        self, name: str, service: ServiceSpecification, opts: pulumi.ResourceOptions | None = None
    ) -> Service:
        around = self._args.services
        manifests = service_manifests(name, service, self._args.images[service.entry_point.image], around)
        made = self._make(manifests, opts, service.readiness_deadline_seconds)
        found = pulumi.Output.all(*(each.id for each in made)).apply(lambda _: endpoints(name, service, around))
        return Service(made[-1], found, is_encrypted(service))

    def _make(
        self, manifests: Sequence[Manifest], opts: pulumi.ResourceOptions | None, seconds: int
    ) -> list[KubernetesObject]:
        """The objects, each after those before it."""
        made: list[KubernetesObject] = []
        for manifest in manifests:
            own = pulumi.ResourceOptions(
                provider=self._args.provider,
                depends_on=[*self._args.after, *made],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s"),
                # The queue starts a job, and holds it when it has to give way.
                ignore_changes=["spec.suspend"] if manifest["kind"] == "Job" else None,
            )
            made.append(KubernetesObject(pulumi_name(manifest), manifest, pulumi.ResourceOptions.merge(own, opts)))
        return made


def exit_code(name: str, status: Mapping[str, Any] | None) -> int:
    """0 for a job that is complete. Raises pulumi.RunError with what the cluster says of one that has failed."""
    for condition in (status or {}).get("conditions") or ():
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            said = ": ".join(filter(None, [condition.get("reason"), condition.get("message")]))
            raise pulumi.RunError(f"The job {name} has failed. {said}")
    return 0
