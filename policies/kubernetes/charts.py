"""Rules for Helm charts."""

import re
from collections.abc import Iterator

from policies.kubernetes.manifests import RELEASE
from policies.resources import Resource
from policies.rules import resource_rule
from policies.values import known

_EXACT = re.compile(r"^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$")


@resource_rule(
    RELEASE,
    id="kubernetes-chart-version",
    title="Charts are installed in one exact version.",
    severity="medium",
    frameworks=("NIST CM-2", "NIST SI-7"),
    wrong="The next deployment then installs programs that nobody has looked at, often with rights everywhere.",
    mend="set version to the three numbers of a release.",
)
def chart_version(release: Resource) -> Iterator[str]:
    """Helm takes two numbers, or an operator, for a range. A chart of one's own, or an archive, is one version."""
    chart = known(release.get("chart", default=""))
    if chart.startswith((".", "/")) or chart.endswith(".tgz") or "@sha256:" in chart:
        return
    version = known(release.get("version"))
    if not version:
        yield f"Chart {chart} is installed in whichever version is the latest."
    elif not _EXACT.match(str(version)):
        yield f"Chart {chart} is installed in any version {version}."


@resource_rule(
    RELEASE,
    id="kubernetes-chart-over-tls",
    title="Charts are fetched over TLS.",
    severity="high",
    frameworks=("NIST SC-8", "NIST SI-7"),
    wrong="Whoever is on the way can send another chart, which is then installed with the deployment's rights.",
    mend="use the repository's https:// or oci:// address.",
)
def chart_over_tls(release: Resource) -> Iterator[str]:
    """A chart is an address itself, or a name in a repository."""
    for path in (("chart",), ("repositoryOpts", "repo")):
        with release.apart():
            address = known(release.get(*path, default=""))
            if address.lower().startswith("http://"):
                yield f"Its chart comes from {address}."


RULES = (chart_version, chart_over_tls)
