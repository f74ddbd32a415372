"""Jobs on Vertex AI, by the REST API v1 of custom jobs, Cloud Storage for the job file and Cloud Logging for output."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import requests

from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.errors import JobRefusedError
from workloads.training.jobs.google_api import NotFoundError, ask, authorized_session
from workloads.training.jobs.metrics import read_metrics
from workloads.training.jobs.platforms import VertexPlatform
from workloads.training.jobs.records import JobFolder, Record
from workloads.training.jobs.states import JobStatus
from workloads.training.jobs.vertex_request import create_request, job_file_place
from workloads.training.jobs.vertex_states import vertex_status

_PAGE = 1000
_LATEST = 200


@dataclass(frozen=True)
class Endpoints:
    """Where the three APIs are."""

    vertex: str
    storage: str = "https://storage.googleapis.com"
    logging: str = "https://logging.googleapis.com"


class Vertex:
    """Creates, describes and cancels the custom jobs of one project and location."""

    def __init__(
        self, specification: VertexPlatform, session: requests.Session | None = None, endpoints: Endpoints | None = None
    ) -> None:
        """
        :param session: None: one with the environment's identity, made when it is first needed.
        """
        self._specification = specification
        self._given_session = session
        self._endpoints = endpoints or Endpoints(f"https://{specification.location}-aiplatform.googleapis.com")

    @cached_property
    def _session(self) -> requests.Session:
        return self._given_session or authorized_session()

    @property
    def _jobs_url(self) -> str:
        place = f"projects/{self._specification.project}/locations/{self._specification.location}"
        return f"{self._endpoints.vertex}/v1/{place}/customJobs"

    def request(self, job: TrainingSpecification, name: str) -> Mapping[str, Any]:
        """The body of ``customJobs.create``."""
        return create_request(job, self._specification, name)

    def create(self, job: TrainingSpecification, folder: JobFolder) -> str | None:
        """Put the job file where the container will read it, then create the job; returns its resource name.

        Raises:
            JobRefusedError: Google refuses one or the other; the job file is taken away again.
            PlatformUnavailableError: Google did not answer.
        """
        bucket, name = job_file_place(self._specification, folder.name)
        what = f"put the job file to gs://{bucket}/{name}"
        # Never in place of another job's file.
        parameters = {"uploadType": "media", "name": name, "ifGenerationMatch": "0"}
        if self._specification.encryption_key_name is not None:
            parameters["kmsKeyName"] = self._specification.encryption_key_name
        data = job.model_dump_json(indent=2).encode()
        url = f"{self._endpoints.storage}/upload/storage/v1/b/{bucket}/o"
        headers = {"Content-Type": "application/json"}
        try:
            ask(self._session, "POST", url, what, params=parameters, data=data, headers=headers)
        except NotFoundError as error:
            raise JobRefusedError(str(error)) from None
        try:
            body = self.request(job, folder.name)
            created = ask(self._session, "POST", self._jobs_url, f"create custom job {folder.name}", json=body)
        except (JobRefusedError, NotFoundError) as error:
            url = f"{self._endpoints.storage}/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
            ask(self._session, "DELETE", url, f"take gs://{bucket}/{name} away")
            raise JobRefusedError(str(error)) from None
        return str(created["name"])

    def status(self, folder: JobFolder, record: Record) -> JobStatus:
        """The CustomJob, translated, with metrics from its latest lines."""
        name = self._resource_name(folder, record)
        if name is None:
            lost = {"state": "failed", "reason": "Vertex AI has no such job: its creation was not answered"}
            return record.status.model_copy(update=lost)
        job = ask(self._session, "GET", f"{self._endpoints.vertex}/v1/{name}", f"describe custom job {folder.name}")
        latest = self._entries(folder, name, "timestamp desc", "", _LATEST) if job.get("startTime") else []
        metrics = read_metrics(line for entry in reversed(latest) for line in _lines(entry))
        return vertex_status(job, record.status.usd_per_hour, metrics)

    def output(self, folder: JobFolder, record: Record, position: str | None) -> tuple[list[str], str | None]:
        """Lines of all instances from Cloud Logging, by time, a page at a time.

        A position is the last time and the identifiers of the entries of that time, which are asked for again.
        """
        name = self._resource_name(folder, record)
        if name is None:
            return [], position
        last, seen = json.loads(position) if position else ("", [])
        entries = self._entries(folder, name, "timestamp asc", f' timestamp>="{last}"' if last else "", _PAGE)
        fresh = [entry for entry in entries if entry["insertId"] not in seen]
        if not fresh:
            return [], position
        last = fresh[-1]["timestamp"]
        seen = [entry["insertId"] for entry in entries if entry["timestamp"] == last]
        return [line for entry in fresh for line in _lines(entry)], json.dumps([last, seen])

    def stop(self, folder: JobFolder, record: Record) -> None:
        """``customJobs.cancel``, which Google calls best effort."""
        name = self._resource_name(folder, record)
        if name is None or self.status(folder, record).has_ended:
            return
        url = f"{self._endpoints.vertex}/v1/{name}:cancel"
        ask(self._session, "POST", url, f"cancel custom job {folder.name}", json={})

    def _resource_name(self, folder: JobFolder, record: Record) -> str | None:
        """As it was told at creation; where that was not answered, as a search by name tells."""
        if record.remote is not None:
            return record.remote
        parameters = {"filter": f'displayName="{folder.name}"'}
        found = ask(self._session, "GET", self._jobs_url, f"look for custom job {folder.name}", params=parameters)
        jobs = found.get("customJobs") or []
        return str(jobs[0]["name"]) if jobs else None

    def _entries(self, folder: JobFolder, name: str, order: str, condition: str, page: int) -> list[Mapping[str, Any]]:
        number = name.rpartition("/")[2]
        body = {
            "resourceNames": [f"projects/{self._specification.project}"],
            "filter": f'resource.type="ml_job" resource.labels.job_id="{number}"{condition}',
            "orderBy": order,
            "pageSize": page,
        }
        url, what = f"{self._endpoints.logging}/v2/entries:list", f"read the output of custom job {folder.name}"
        return list(ask(self._session, "POST", url, what, json=body).get("entries") or ())


def _lines(entry: Mapping[str, Any]) -> list[str]:
    text = entry.get("textPayload") or entry.get("jsonPayload", {}).get("message") or ""
    return str(text).splitlines()
