"""Which pools a workload fits on, and what a person reads whose workload fits on none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kubernetes.placement import Need, fitting_pools, need_of_job, need_of_service, problems
from infra.workload_settings import JobPodSettings, ServicePodSettings
from tests.infra.kubernetes.pools import BOUGHT, POOLS, SYSTEM, gpu_pool

KEY = "trainyard:training.pods"


def names(pods: JobPodSettings) -> list[str]:
    return [pool.name for pool in fitting_pools(need_of_job(pods), POOLS)]


def test_a_job_goes_where_all_of_its_pods_fit_and_to_the_cheapest_capacity() -> None:
    assert names(JobPodSettings()) == ["small", "large"]
    assert names(JobPodSettings(gpus=8)) == ["large"]
    assert names(JobPodSettings(nodes=3)) == ["small"]
    assert names(JobPodSettings(capacity="on_demand")) == ["bought"]
    assert names(JobPodSettings(pool="large")) == ["large"]
    assert names(JobPodSettings(gpus=0, cpus=1, memory_gib=4)) == ["system"]
    without_spot = [SYSTEM, BOUGHT]
    assert fitting_pools(need_of_job(JobPodSettings()), without_spot) == [BOUGHT]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"gpus": 16}, "gpus = 16: no pool can ever give that; the most is 8 GPUs a pod (pool large)"),
        ({"cpus": 400}, "cpus = 400: no pool can ever give that; the most is 180 CPUs a node for pods"),
        ({"memory_gib": 800}, "memory_gib = 800: no pool can ever give that; the most is 700 GiB of memory a node"),
        ({"gpu_memory_gib": 80}, "gpu_memory_gib = 80: no pool can ever give that; the most is 24 GiB of memory a GPU"),
        ({"nodes": 5}, "pods.nodes = 5: no pool can ever give that; the most is 4 nodes (pool small)"),
        ({"scratch_gib": 9000}, "pods.scratch_gib = 9000: no pool can ever give that; the most is 3000 GiB of disk"),
        ({"nodes": 3, "gpus": 8}, "no pool fits all of it at once (small: 1 GPUs a pod; large: 2 nodes; "),
        ({"capacity": "reserved"}, "capacity = reserved: no pool with GPUs is bought so; there are small (spot), "),
        ({"pool": "huge"}, "pool = huge: no such pool with GPUs; there are small (spot), large (spot), "),
    ],
)  # fmt: skip
def test_what_can_never_run_is_refused_with_the_setting_to_change(changes: dict[str, object], says: str) -> None:
    (problem,) = problems(need_of_job(JobPodSettings.model_validate(changes)), POOLS, KEY)
    assert says in problem


def test_a_stack_without_gpus_says_so() -> None:
    (problem,) = problems(need_of_job(JobPodSettings()), [SYSTEM], KEY)
    assert problem == f"{KEY}.gpus = 1: the stack has no pool with GPUs; add one, or run on CPUs"


def test_a_model_that_fits_no_gpu_is_refused() -> None:
    need = need_of_service(ServicePodSettings(gpus=1, gpu_memory_gib=40))
    (problem,) = problems(need, POOLS, "trainyard:serving.pods")
    assert problem.startswith(
        "trainyard:serving.pods.gpu_memory_gib = 40: no pool can ever give that; the most is 16 GiB"
    )


def test_what_runs_beside_a_server_counts() -> None:
    pods = ServicePodSettings(cpus=1.4)
    assert fitting_pools(need_of_service(pods), POOLS) == [SYSTEM]
    assert fitting_pools(need_of_service(pods, extra_cpus=0.2), POOLS) == []


NEEDS = st.builds(
    Need,
    capacity=st.sampled_from(["cheapest", "spot", "on_demand"]),
    pool=st.sampled_from(["", "small", "large", "bought"]),
    pods=st.integers(1, 6),
    cpus=st.floats(0.1, 300),
    memory_gib=st.floats(0.1, 900),
    scratch_gib=st.floats(0, 4000),
    gpus=st.integers(0, 16),
    gpu_memory_gib=st.floats(0, 40),
)


@given(NEEDS)
def test_either_a_pool_fits_or_a_problem_is_told(need: Need) -> None:
    assert bool(fitting_pools(need, POOLS)) != bool(problems(need, POOLS, KEY))


@given(NEEDS)
def test_a_pool_that_fits_has_what_is_asked_for(need: Need) -> None:
    for pool in fitting_pools(need, POOLS):
        asked = (need.gpus, need.cpus, need.memory_gib, need.scratch_gib, need.pods)
        has = (pool.gpus, pool.cpus, pool.memory_gib, pool.scratch_gib, pool.max_nodes)
        assert all(one <= other for one, other in zip(asked, has, strict=True))
        assert bool(pool.gpus) == need.on_gpus


@given(NEEDS)
def test_a_larger_pool_never_makes_it_worse(need: Need) -> None:
    if fitting_pools(need, POOLS):
        larger = [replace(pool, cpus=pool.cpus * 2, max_nodes=pool.max_nodes + 1) for pool in POOLS]
        assert fitting_pools(need, larger)


def test_pools_of_one_job_are_bought_the_same_way() -> None:
    mixed = [gpu_pool("a", "on_demand"), gpu_pool("b", "spot"), gpu_pool("c", "spot")]
    assert [pool.name for pool in fitting_pools(need_of_job(JobPodSettings()), mixed)] == ["b", "c"]
