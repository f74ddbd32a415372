"""Whether GKE still has a cluster that is to be drained: where it has none, a destroy has nothing to wait for."""

import os

from typing_extensions import override

from infra.kubernetes.drain import DrainProvider

ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"
"""By this whoever destroys may say where GKE's API is, as for gcloud; else it is where Google has it."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = 30


class GkeDrainProvider(DrainProvider):
    """Drains a cluster of GKE, which is known by its resource name."""

    @override
    def is_gone(self, cluster: str) -> bool:
        """Asks GKE with the credentials of whoever destroys."""
        import google.auth
        import requests
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import AuthorizedSession

        try:
            credentials, _ = google.auth.default(scopes=[SCOPE])
            with AuthorizedSession(credentials) as session:
                answer = session.get(_address(cluster), params={"fields": "status"}, timeout=TIMEOUT_SECONDS)
                if answer.status_code == requests.codes.not_found:
                    return True
                answer.raise_for_status()
                status = answer.json().get("status")
        except (GoogleAuthError, requests.RequestException) as error:
            print(f"GKE does not say whether the cluster is there: {error}", flush=True)
            return False
        # Somebody else deletes it, and nothing in it runs any more.
        return bool(status == "STOPPING")


def _address(cluster: str) -> str:
    root = os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/") or "https://container.googleapis.com"
    return f"{root.removesuffix('/v1')}/v1/{cluster}"
