"""Whether a training pod's last checkpoint fits between a spot instance's notice and its end, by what the committed
stacks deploy.
"""

import pytest

from infra.kubernetes.charts.termination_handler import NOTICE_SECONDS
from tests.infra.plan import Planned, plan

REACTION_SECONDS = 30
"""From the notice to the eviction, by EventBridge, the queue and the handler: some seconds, with room."""
WORKERS_SECONDS = 30
"""What torchrun leaves its workers after SIGTERM. Source: torchrun, --shutdown-timeout."""
ENDING_SECONDS = 15
"""For the agent to tell how its workers ended, and for the kubelet to take notice."""

pytestmark = pytest.mark.xdist_group("planned stacks")


@pytest.fixture(scope="module", params=["dev", "prod"])
def training(request: pytest.FixtureRequest) -> Planned:
    (job,) = (each for each in plan(request.param).all("kubernetes:batch/v1:Job") if each.name.endswith("training"))
    return job


def test_a_pod_has_its_whole_grace_before_its_node_ends(training: Planned) -> None:
    pod = training.inputs["spec"]["template"]["spec"]
    assert REACTION_SECONDS + pod["terminationGracePeriodSeconds"] <= NOTICE_SECONDS
    # Nothing goes before the signal that asks it to stop.
    assert not any("lifecycle" in container for container in pod["containers"])


def test_the_workers_have_theirs_within_that_of_the_pod(training: Planned) -> None:
    pod = training.inputs["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= WORKERS_SECONDS + ENDING_SECONDS
    (container,) = pod["containers"]
    started = [*container.get("command", []), *container.get("args", [])]
    assert any("trainyard_training" in word for word in started)
    assert not any(word.startswith("--shutdown-timeout") for word in started)


def test_the_handler_takes_no_second_of_it(training: Planned) -> None:
    releases = plan(training.urn.split(":")[2]).all("kubernetes:helm.sh/v3:Release")
    (handler,) = (each for each in releases if each.name.endswith("node-termination-handler"))
    values = handler.inputs["values"]
    assert values["podTerminationGracePeriod"] == -1
    assert values["nodeTerminationGracePeriod"] >= NOTICE_SECONDS
