"""In which order resources are deleted: whatever depends on a resource goes before it, the rest in parallel."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from engine.errors import EngineError
from engine.resource_state import ResourceState


def dependents_first(states: Sequence[ResourceState]) -> TopologicalSorter[int]:
    """The indices of `states`, each after the indices of all that depend on it; prepared.

    A state depends only on what stands before it in the record, so there are no cycles; where a URN stands twice, its
    old and its new holder are both meant.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for index, state in enumerate(states):
        places[state.urn].append(index)
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(states)), ()))
    for index, state in enumerate(states):
        for urn in state.all_dependencies:
            for place in places.get(urn, ()):
                if place < index:
                    order.add(place, index)
    order.prepare()
    return order


def run_in_dependency_order(
    states: Sequence[ResourceState],
    delete: Callable[[ResourceState], None],
    *,
    parallel: int,
    stop: Callable[[], bool],
) -> None:
    """Calls `delete` for every state, dependents first, up to `parallel` at once; begins no more once `stop()` holds.

    `delete` reports its own EngineError; the states that wait for a failed one are left alone.
    """
    order = dependents_first(states)
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="delete") as pool:
        while order.is_active():
            for index in sorted(order.get_ready(), reverse=True):
                if not stop():
                    running[pool.submit(delete, states[index])] = index
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                index = running.pop(future)
                try:
                    future.result()
                except EngineError:
                    continue
                order.done(index)
