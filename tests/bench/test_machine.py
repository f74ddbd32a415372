"""What is told of the machine."""

import json

from bench.machine import describe_machine, usable_cores


def test_a_machine_is_described_in_json() -> None:
    machine = describe_machine()
    assert list(machine) == ["cpu", "cores", "memory_gib", "os", "python", "load"]
    assert json.loads(json.dumps(machine)) == machine
    assert machine["cpu"]
    assert machine["cores"] == usable_cores() >= 1
    assert machine["memory_gib"] > 0
