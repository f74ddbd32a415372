"""Two variants of one run side by side in a real server, and what `yard releases` measures of them."""

from pathlib import Path

import pytest

from cli.loadtest_target import Endpoint, Target
from cli.releases_measured import Plan, measure
from cli.releases_report import Report, differences, status_of, unknown_versions
from cli.releases_served import models_of, understand_releases
from tests.workloads.conftest import ObjectCloud
from tests.workloads.serving.published_variants import EXAMPLES, INT8, RUN, deployed, publish_variants
from tests.workloads.serving.service_process import release, running_service, service_document, service_environment

pytestmark = pytest.mark.xdist_group("triton-service")

PLAN = Plan(seconds=0.3, warmup_seconds=0, timeout_seconds=10, clients=2)


def test_each_variant_has_the_accuracy_that_its_manifest_says(
    object_cloud: ObjectCloud, triton_environment: Path, tmp_path: Path
) -> None:
    published = publish_variants(object_cloud, f"s3://{object_cloud.models_bucket}/{tmp_path.name}/{RUN}")
    model = deployed(object_cloud, published)
    shares = [(1, "", 90), (2, INT8, 10), (3, INT8, 0)]
    told = [
        {"version": version, "run": RUN, "variant": variant, "percent": percent} for version, variant, percent in shares
    ]
    document = service_document(
        published.manifest_uri,
        object_cloud.key_uri,
        tmp_path / "work",
        releases=[
            release(published.manifest_uri, version, percent, variant=variant) for version, variant, percent in shares
        ],
    )
    releases = understand_releases(told, published.manifest_uri, RUN, "local")
    models = models_of(model, releases)
    with running_service(
        document, tmp_path, service_environment(object_cloud.environment, triton_environment)
    ) as service:
        for protocol, address in (("http", service.http), ("grpc", service.grpc)):
            endpoint = Endpoint(protocol, address, is_encrypted=False)
            target = Target("digits", (endpoint,))
            measured, versions = measure(endpoint, target, releases, models, PLAN, lambda _: None)
            report = Report(
                model="digits", protocol=protocol, address=address, is_here=True, taken_at="", plan=PLAN,
                tolerance=0.0, releases=tuple(measured), unknown_versions=unknown_versions(measured, versions),
            )  # fmt: skip
            assert (differences(report), status_of(report)) == ([], 0), [each.failure for each in measured]
            assert [each.batch_size for each in measured] == [document["max_batch_size"]] * 3
            first, second, third = measured
            assert first.correct == 0.9 * EXAMPLES
            assert second.correct == third.correct != first.correct
            assert all(each.single and each.full and each.single.latencies_ms for each in measured)
