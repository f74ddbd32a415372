"""The probe of a bucket, on stores that fail in every way: it measures, stays within its limits, and leaves nothing."""

import threading
from collections import Counter

import pytest

from planning.errors import PlanningError
from planning.network.probe import ProbeLeftovers, ProbeStopped, probe

SMALL = {"streams": (1, 3), "object_bytes": 1000, "seconds": 0.05, "most_bytes": 40_000}


class MemoryStore:
    """Objects in memory; `fail` says which operation goes wrong from which call on."""

    uri = "s3://bucket/probe-1"

    def __init__(self, **fail: int) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.most_at_once = 0
        self.stop = threading.Event()
        self.stop_at: tuple[str, int] | None = None
        self._fail = fail
        self._lock = threading.Lock()
        self._now = 0

    def put(self, name: str, data: bytes) -> None:
        with self._call("put"):
            self.objects[name] = data

    def get(self, name: str) -> bytes:
        with self._call("get"):
            return self.objects[name]

    def delete(self, name: str) -> None:
        with self._call("delete"):
            self.objects.pop(name, None)

    def _call(self, operation: str) -> "MemoryStore":
        with self._lock:
            self.calls[operation] += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            if self.stop_at == (operation, self.calls[operation]):
                self.stop.set()
            if self.calls[operation] >= self._fail.get(operation, 10**9):
                self._now -= 1
                raise OSError(f"{operation} is down")
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


def run(store: MemoryStore, **changes: object) -> object:
    return probe(store, shown_uri="s3://bucket", stop=store.stop, **(SMALL | changes))  # type: ignore[arg-type]


def test_every_level_is_measured_in_both_directions_and_nothing_is_left() -> None:
    store, said = MemoryStore(), []
    result = probe(store, shown_uri="s3://bucket", stop=store.stop, report=said.append, **SMALL)  # type: ignore[arg-type]
    assert [(level.direction, level.streams) for level in result.levels] == [
        ("write", 1), ("read", 1), ("write", 3), ("read", 3),
    ]  # fmt: skip
    assert all(level.objects >= level.streams and level.megabytes_per_second > 0 for level in result.levels)
    assert result.uri == "s3://bucket"
    assert len(result.first_byte_ms) >= 1
    assert store.objects == {}
    assert said[-1] == "removing what was written"


def test_no_more_is_written_or_read_than_allowed() -> None:
    store = MemoryStore()
    result = probe(store, shown_uri="x", stop=store.stop, **(SMALL | {"seconds": 30.0}))  # type: ignore[arg-type]
    assert result.bytes_written == result.bytes_read == 40_000
    assert store.most_at_once <= 3
    assert store.objects == {}


@pytest.mark.parametrize("fail", [{"put": 2}, {"put": 6}, {"get": 1}, {"get": 40}])
def test_a_store_that_fails_on_the_way_is_reported_and_cleaned(fail: dict[str, int]) -> None:
    store = MemoryStore(**fail)
    with pytest.raises(OSError, match="is down"):
        run(store)
    assert store.objects == {}


def test_a_store_that_takes_nothing_is_reported_as_it_says() -> None:
    with pytest.raises(OSError, match="put is down"):
        run(MemoryStore(put=1, delete=1))


def test_who_may_not_remove_loses_one_byte_and_is_told_where() -> None:
    store = MemoryStore(delete=1)
    with pytest.raises(ProbeLeftovers, match=r"1 of 1 objects below s3://bucket/probe-1 .* \(delete is down\)"):
        run(store)
    assert sum(map(len, store.objects.values())) == 1


@pytest.mark.parametrize("moment", [("put", 1), ("get", 3), ("put", 5), ("get", 45), ("delete", 1)])
def test_once_asked_to_stop_it_stops_and_leaves_nothing(moment: tuple[str, int]) -> None:
    store = MemoryStore()
    store.stop_at = moment
    with pytest.raises(ProbeStopped):
        run(store)
    assert store.objects == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": (4, 1)}, "streams = '4,1': must be numbers that grow"),
        ({"streams": ()}, "streams = '': must be numbers that grow"),
        ({"streams": (0, 1)}, "streams = 0: must be a whole number, 1 or more"),
        ({"most_bytes": 3999}, "most MB = 0.003999: must be 0.004 or more"),
        ({"seconds": float("nan")}, "seconds = nan"),
    ],
)
def test_levels_that_make_no_sense_are_refused_before_anything_is_written(
    changes: dict[str, object], message: str
) -> None:
    store = MemoryStore()
    with pytest.raises(PlanningError) as error:
        run(store, **changes)
    assert message in str(error.value)
    assert not store.calls
