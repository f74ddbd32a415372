"""Cases of the rules for Helm charts."""

from typing import Any

from policies.cases import Cases, made
from policies.kubernetes import charts
from policies.kubernetes.manifests import RELEASE
from policies.resources import Resource


def _release(chart: str = "kueue", version: Any = "0.19.2", repository: str = "https://charts.example.com") -> Resource:
    properties = {"chart": chart, "version": version, "repositoryOpts": {"repo": repository}, "namespace": "queue"}
    return made(RELEASE, "it", {key: value for key, value in properties.items() if value})


CASES = (
    Cases(
        charts.chart_version,
        passing=[
            _release(),
            _release(version="v1.2.3-rc.1+build.5"),
            _release("./charts/own", version=None, repository=""),
            _release("https://example.com/kueue-0.19.2.tgz", version=None, repository=""),
        ],
        failing=[
            (_release(version=None), "Chart kueue is installed in whichever version is the latest."),
            (_release(version="^1.2.3"), "Chart kueue is installed in any version ^1.2.3."),
            (_release(version="1.2"), "in any version 1.2."),
            (_release("oci://registry.example.com/kueue", version="1.x.x", repository=""), "in any version 1.x.x."),
        ],
    ),
    Cases(
        charts.chart_over_tls,
        passing=[_release(), _release("oci://registry.example.com/kueue", repository="")],
        failing=[
            (_release(repository="http://charts.example.com"), "Its chart comes from http://charts.example.com."),
            (_release("http://example.com/kueue-0.19.2.tgz", repository=""), "comes from http://example.com/kueue"),
        ],
    ),
)
