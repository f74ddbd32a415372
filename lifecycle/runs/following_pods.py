"""The lines that the first pod of a job in a cluster prints, asked of the cluster's API server.

A cluster is found by its name, which follows from project and stack, and asked as the user, without any command of the
cloud's: on EKS the user's credentials sign the token, as `aws eks get-token` does; on GKE their access token is it, as
`gke-gcloud-auth-plugin` hands it on. Sources: aws-iam-authenticator, "API Authorization from Outside a Cluster"; GKE,
"Authenticate to the Kubernetes API server".
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.runs.following import TRAINING_JOB, SourceError, one_line

if TYPE_CHECKING:
    from lifecycle.teardown.subject import Subject

JOB_LABEL = "trainyard.dev/job"
INDEX_LABEL = "batch.kubernetes.io/job-completion-index"
_TOKEN_SECONDS = 60
_REQUEST_SECONDS = (5, 20)


def pod_lines(cloud: str, directory: Path, stack: str, config_file: str = "") -> "PodLines":
    """The lines of the training in a stack's cluster. Raises SourceError for a cloud whose clusters cannot be found.

    :param config_file: Another file than `Pulumi.STACK.yaml` with the stack's settings.
    """
    from lifecycle.teardown.subject import read_subject

    subject = read_subject(directory, stack, config_file)
    match cloud:
        case "aws":
            return PodLines(lambda: eks_client(subject.cluster_name, subject.region))
        case "gcp":
            return PodLines(lambda: gke_client(subject))
        case _:
            raise SourceError(f"clusters of {cloud} are not looked into; 'yard jobs' with a kubeconfig shows them")


class PodLines:
    """What the newest first pod of a job prints; every line once."""

    def __init__(self, connect: Callable[[], Any], job: str = TRAINING_JOB) -> None:
        """:param connect: Gives a `kubernetes.client.ApiClient`; asked again after each error, since tokens end."""
        self._connect = connect
        self._job = job
        self._api: Any = None
        self._pod = ("", "")
        self._seen = 0

    def read(self) -> list[str]:
        """The new lines; none where there is no pod that has begun. Raises SourceError."""
        from kubernetes.client import CoreV1Api
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            if self._api is None:
                self._api = CoreV1Api(self._connect())
            pod = self._newest_pod()
            if pod is None:
                return []
            text = self._api.read_namespaced_pod_log(*pod, _request_timeout=_REQUEST_SECONDS)
        except (ApiException, HTTPError) as error:
            self._api = None
            reason = error.reason if isinstance(error, ApiException) else one_line(error)
            # The pod may have gone, or its container not begun, since it was listed.
            if isinstance(error, ApiException) and error.status in (400, 404):
                return []
            raise SourceError(f"the cluster does not tell the job's log: {reason}") from None
        if pod != self._pod:
            self._pod, self._seen = pod, 0
        # What has no end yet is read again.
        lines = str(text or "").split("\n")[:-1]
        new = lines[self._seen :]
        self._seen = len(lines)
        return new

    def _newest_pod(self) -> tuple[str, str] | None:
        """Name and namespace of the first pod that was made last."""
        # Which team's namespace it is is one of the program's settings.
        pods = self._api.list_pod_for_all_namespaces(
            label_selector=f"{JOB_LABEL}={self._job}", _request_timeout=_REQUEST_SECONDS
        ).items
        first = [pod for pod in pods if (pod.metadata.labels or {}).get(INDEX_LABEL, "0") == "0"]
        begun = [pod for pod in first if pod.status.phase in ("Running", "Succeeded", "Failed")]
        if not begun:
            return None
        newest = max(begun, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name)).metadata
        return str(newest.name), str(newest.namespace)


def eks_client(cluster_name: str, region: str) -> Any:
    """A client of an EKS cluster's API server, as the user. Raises SourceError where there is no such cluster."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError
    from kubernetes.client import ApiClient, Configuration

    session = boto3.session.Session(region_name=region)
    try:
        cluster = session.client("eks").describe_cluster(name=cluster_name)["cluster"]
        token = _token(session, cluster_name, region)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise SourceError(f"cluster {cluster_name} is not there yet") from None
        raise SourceError(f"cluster {cluster_name} cannot be found: {one_line(error)}") from None
    except BotoCoreError as error:
        raise SourceError(f"cluster {cluster_name} cannot be found: {one_line(error)}") from None
    if not cluster.get("endpoint") or not cluster.get("certificateAuthority", {}).get("data"):
        raise SourceError(f"cluster {cluster_name} is not there yet")
    configuration = Configuration()
    configuration.host = cluster["endpoint"]
    configuration.api_key = {"authorization": f"Bearer {token}"}
    configuration.ca_cert_data = base64.b64decode(cluster["certificateAuthority"]["data"]).decode(errors="replace")
    return ApiClient(configuration)


def _token(session: Any, cluster_name: str, region: str) -> str:
    """A bearer token of the session's own identity, good for a quarter of an hour; a secret."""
    from botocore.signers import RequestSigner

    client = session.client("sts")
    signer = RequestSigner(
        client.meta.service_model.service_id, region, "sts", "v4", session.get_credentials(), session.events
    )
    request = {
        "method": "GET",
        "url": f"{client.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster_name},
        "context": {},
    }
    url = signer.generate_presigned_url(request, region_name=region, expires_in=_TOKEN_SECONDS, operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def gke_client(subject: "Subject") -> Any:
    """A client of a GKE cluster's API server, as the user. Raises SourceError where there is no such cluster yet."""
    from kubernetes.client import ApiClient, Configuration

    from lifecycle.google_api import GoogleError, ask, open_session, root_of

    name = subject.cluster_name
    try:
        session = open_session(subject.account_id)
        # Regional or zonal: that is one of the program's settings.
        found = ask(session, "GET", f"{root_of('container')}/projects/{subject.account_id}/locations/-/clusters")
    except GoogleError as error:
        raise SourceError(f"cluster {name} cannot be found: {one_line(error)}") from None
    own = (each for each in found.get("clusters") or () if each["name"] == name)
    cluster = next((each for each in own if subject.holds(each["location"])), None)
    if cluster is None or cluster.get("status") == "PROVISIONING":
        raise SourceError(f"cluster {name} is not there yet")
    configuration = Configuration()
    configuration.host, authority = way_in(cluster)
    if authority:
        configuration.ca_cert_data = base64.b64decode(authority).decode(errors="replace")
    # Whoever asked for the cluster has a token by now.
    configuration.api_key = {"authorization": f"Bearer {session.credentials.token}"}  # type: ignore[attr-defined]
    return ApiClient(configuration)


def way_in(cluster: Mapping[str, Any]) -> tuple[str, str]:
    """The address of a GKE cluster's API server, and the authority of its certificate in Base64; a public one has none.

    Pure. Source: GKE API v1, Cluster: controlPlaneEndpointsConfig, endpoint, masterAuth.

    :param cluster: As the API describes it.
    """
    endpoints = cluster.get("controlPlaneEndpointsConfig") or {}
    by_name = endpoints.get("dnsEndpointConfig") or {}
    by_address = (endpoints.get("ipEndpointsConfig") or {}).get("enabled", True)
    if by_name.get("endpoint") and (by_name.get("allowExternalTraffic") or not by_address):
        return f"https://{by_name['endpoint']}", ""
    authority = (cluster.get("masterAuth") or {}).get("clusterCaCertificate", "")
    return f"https://{cluster.get('endpoint', '')}", str(authority)
