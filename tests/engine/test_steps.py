"""Which steps a registration comes to, in which order they run, and what is on record afterwards."""

import threading
import time
from contextlib import suppress

import pytest

from engine import urn as urns
from engine.errors import Cancelled, EngineError, Uncertain
from engine.providers import CheckFailure, Difference
from engine.values import UNKNOWN_SENTINEL
from tests.engine.deployments import DEFAULT_PROVIDER_URN, PACKAGE, PATIENCE_SECONDS, Program, Registers, Yard


def three(*, colour: str = "red", fixed: str = "f", names: str = "abc") -> Registers:
    """A chain of resources, each the input of the next."""

    def program(yard: Program) -> None:
        before = None
        for name in names:
            needs = {"before": before} if before else {}
            before = yard.resource(
                name, inputs={"colour": colour if name == "b" else "red", "fixed": fixed}, needs=needs
            )

    return program


def test_a_first_update_creates_and_a_second_one_changes_nothing() -> None:
    yard = Yard()
    preview = yard.preview(three())
    run = yard.run(three())
    assert preview.steps == run.steps == [("create", "a"), ("create", "b"), ("create", "c")]
    assert run.changes == preview.changes == {"create": 4}
    assert yard.recorded == ["a", "b", "c"]
    assert yard.state("a").created
    before = yard.documents
    again = yard.run(three())
    assert (again.steps, again.changes) == ([], {"same": 4})
    assert yard.documents == before
    assert len(again.writes) == 1


def test_a_preview_shows_ids_and_what_depends_on_them_as_unknown() -> None:
    document = Yard().preview(three(names="ab")).document
    (created,) = (step for step in document["steps"] if step["urn"].endswith("::b"))
    assert created["newState"]["inputs"]["before"] == UNKNOWN_SENTINEL
    assert created["newState"]["provider"] == f"{DEFAULT_PROVIDER_URN}::{UNKNOWN_SENTINEL}"
    assert "id" not in created["newState"]


def test_an_update_in_place_keeps_the_id_and_what_depends_on_it() -> None:
    yard = Yard()
    yard.run(three())
    identifier, created = yard.state("b").id, yard.state("b").created
    run = yard.run(three(colour="blue"))
    assert run.steps == [("update", "b")]
    assert run.step("update", "b").diff_reasons == ["colour"]
    assert run.step("update", "b").detailed_diff == {"colour": {"kind": "update", "inputDiff": True}}
    state = yard.state("b")
    assert (state.id, state.created, state.outputs["colour"]) == (identifier, created, "blue")
    assert state.modified > created
    _, _, old_inputs, old_outputs, news, _ = yard.cloud.calls["update"][0]
    assert (old_inputs["colour"], old_outputs["colour"], news["colour"]) == ("red", "red", "blue")


def test_what_left_the_program_is_deleted_dependents_first() -> None:
    yard = Yard()
    yard.run(three())
    preview = yard.preview(three(names="a"))
    run = yard.run(three(names="a"))
    assert preview.steps == run.steps == [("delete", "c"), ("delete", "b")]
    assert run.changes == {"delete": 2, "same": 2}
    assert yard.cloud.names() == ["a"]
    yard.run(three())
    assert yard.destroy().steps == [("delete", "c"), ("delete", "b"), ("delete", "a")]
    assert yard.documents == []
    assert yard.cloud.things == {}


def test_resources_that_do_not_depend_on_each_other_are_created_and_deleted_at_the_same_time() -> None:
    yard = Yard()
    for operation in ("create", "delete"):
        meeting = threading.Barrier(2, timeout=PATIENCE_SECONDS)
        for name in ("left", "right"):
            yard.cloud.during[operation, name] = meeting.wait

    def program(program: Program) -> None:
        base = program.resource("base")
        sides = program.together(
            *(lambda name=name: program.resource(name, needs={"base": base}) for name in ("left", "right"))
        )
        program.resource("top", after=sides)

    assert yard.run(program).error is None
    assert yard.destroy().errors == []
    log = [(operation, identifier.rsplit("-", 1)[0]) for operation, identifier in yard.cloud.log]
    assert (log[0], log[3]) == (("create", "base"), ("create", "top"))
    assert (log[4], log[7]) == (("delete", "top"), ("delete", "base"))


def test_parallelism_is_limited_as_asked() -> None:
    yard, running, most = Yard(), [], []

    def note() -> None:
        running.append(1)
        most.append(len(running))
        running.pop()

    names = [f"r{index}" for index in range(6)]
    yard.cloud.during.update({("create", name): note for name in names})
    program = lambda program: program.together(*(lambda name=name: program.resource(name) for name in names))  # noqa: E731
    assert yard.run(program, parallel=1).error is None
    assert max(most) == 1


def test_a_failed_create_is_not_recorded_and_the_others_are() -> None:
    yard = Yard()

    def refuse() -> None:
        raise EngineError("no more quota")

    yard.cloud.during["create", "b"] = refuse
    run = yard.run(three())
    assert run.errors == ["no more quota"]
    assert yard.recorded == ["a"]
    assert run.writes[-1]["pending_operations"] == []
    del yard.cloud.during["create", "b"]
    run = yard.run(three())
    assert run.steps == [("create", "b"), ("create", "c")]
    assert yard.cloud.names() == ["a", "b", "c"]


def test_steps_under_way_finish_when_another_fails_and_none_is_begun_after() -> None:
    yard = Yard()
    failed = threading.Event()
    begun = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def fail() -> None:
        begun.wait()
        raise EngineError("broken")

    def linger() -> None:
        begun.wait()
        assert failed.wait(PATIENCE_SECONDS)

    yard.cloud.during = {("create", "bad"): fail, ("create", "slow"): linger}

    def bad(program: Program) -> None:
        with pytest.raises(EngineError):
            program.resource("bad")
        failed.set()

    def program(program: Program) -> None:
        program.together(lambda: bad(program), lambda: program.resource("slow"))
        program.resource("never")

    run = yard.run(program)
    assert run.errors == ["broken"]
    assert yard.recorded == ["slow"]


def test_a_failed_update_keeps_the_old_record_and_a_failed_delete_the_resource() -> None:
    yard = Yard()
    yard.run(three())

    def refuse() -> None:
        raise EngineError("not now")

    yard.cloud.during = {("update", "b"): refuse, ("delete", "c"): refuse}
    run = yard.run(three(colour="blue"))
    assert run.errors == ["not now"]
    assert yard.state("b").inputs["colour"] == "red"
    assert yard.recorded == ["a", "b", "c"]
    # What the failed resource needs must stay.
    run = yard.run(three(names="a"))
    assert run.errors == ["not now"]
    assert yard.recorded == ["a", "b", "c"]
    yard.cloud.during.clear()
    assert yard.run(three(colour="blue", names="ab")).steps == [("update", "b"), ("delete", "c")]


def test_an_operation_whose_outcome_nobody_knows_stays_pending() -> None:
    yard = Yard()

    def vanish() -> None:
        raise Uncertain("create took longer than 1 s")

    yard.cloud.during["create", "a"] = vanish
    run = yard.run(lambda program: program.resource("a", custom_timeouts={"create": 1.0}))
    ((pending),) = run.writes[-1]["pending_operations"]
    assert (pending["type"], urns.name_of(pending["resource"]["urn"])) == ("creating", "a")
    assert yard.cloud.calls["create"][0][2] == 1.0


def test_every_write_shows_what_is_under_way() -> None:
    yard = Yard()
    run = yard.run(three(names="a"))
    seen = [
        (
            [urns.name_of(each["resource"]["urn"]) for each in write["pending_operations"]],
            [urns.name_of(each["urn"]) for each in write["resources"]],
        )
        for write in run.writes
    ]
    assert (["a"], ["yard-dev", "default"]) in seen
    assert seen[-1] == ([], ["yard-dev", "default", "a"])


def test_check_failures_are_all_shown_and_nothing_is_created() -> None:
    yard = Yard()
    yard.cloud.refuse["a"] = [CheckFailure("size", "must be positive"), CheckFailure("", "is not complete")]
    for run in (yard.preview(three()), yard.run(three())):
        assert run.errors == [f"{PACKAGE}:dynamic:Resource 'a' is not valid: size: must be positive; is not complete"]
    assert yard.recorded == []


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        (Difference(changes=None), [("update", "b")]),
        (Difference(changes=True), [("update", "b")]),
        (Difference(changes=False), []),
        (Difference(changes=False, replaces=["colour"]), []),
        (Difference(changes=True, replaces=["colour"]),
         [("create-replacement", "b"), ("replace", "b"), ("delete-replaced", "b")]),
        (Difference(changes=None, replaces=["colour"]),
         [("create-replacement", "b"), ("replace", "b"), ("delete-replaced", "b")]),
    ],
)  # fmt: skip
def test_what_the_provider_makes_of_changed_inputs_counts(answer: Difference, steps: list[tuple[str, str]]) -> None:
    yard = Yard()
    yard.run(three(names="ab"))
    yard.cloud.differences["b"] = answer
    assert yard.run(three(names="ab", colour="blue")).steps == steps


def test_without_changed_inputs_only_the_provider_can_tell_of_a_change() -> None:
    yard = Yard()
    yard.run(three(names="a"))
    yard.cloud.differences["a"] = Difference(changes=None, replaces=["fixed"])
    assert yard.run(three(names="a")).steps == []
    yard.cloud.differences["a"] = Difference(changes=True)
    run = yard.run(three(names="a"))
    assert run.steps == [("update", "a")]
    # The provider gave no details, so there are none to show, as with the pulumi command.
    assert (run.step("update", "a").diff_reasons, run.step("update", "a").detailed_diff) == ([], None)


def test_two_resources_with_one_urn_are_refused() -> None:
    yard = Yard()
    run = yard.run(lambda program: (program.resource("twin"), program.resource("twin")))
    (message,) = run.errors
    assert "duplicate resource URN" in message
    assert "'twin'" in message
    assert yard.recorded == ["twin"]


def test_components_change_with_their_inputs() -> None:
    yard = Yard()

    def program(size: int, *, outputs: int) -> Registers:
        def register(program: Program) -> None:
            group = program.component("group", inputs={"size": size})
            program.deployment.register_outputs(group.urn, {"size": outputs})

        return register

    assert yard.run(program(1, outputs=1)).steps == [("create", "group")]
    assert yard.run(program(1, outputs=1)).steps == []
    assert yard.run(program(2, outputs=1)).steps == [("update", "group")]
    assert yard.run(program(2, outputs=2)).steps == []
    assert yard.state("group").outputs == {"size": 2}
    assert yard.destroy().steps == [("delete", "group")]


def test_reading_takes_a_resource_into_the_state_without_owning_it() -> None:
    yard = Yard()
    yard.cloud.things["bucket-7"] = {"colour": "green"}
    program = lambda program: program.read("bucket", "bucket-7", inputs={"hint": 1})  # noqa: E731
    assert yard.preview(program).steps == yard.run(program).steps == [("read", "bucket")]
    state = yard.state("bucket")
    assert (state.external, state.id, state.inputs, state.outputs) == (
        True, "bucket-7", {"hint": 1}, {"colour": "green", "read": True}
    )  # fmt: skip
    again = yard.run(program)
    # A read counts as a change where it finds something new.
    assert (again.steps, again.changes) == ([("read", "bucket")], {"same": 1})
    yard.cloud.things["bucket-7"] = {"colour": "blue"}
    assert yard.run(program).changes == {"read": 1, "same": 1}
    # What the provider is told is what the program says, however often it is read.
    assert {call[2:] == ({"hint": 1}, {"hint": 1}) for call in yard.cloud.calls["read"]} == {True}
    assert yard.destroy().steps == [("discard", "bucket")]
    assert list(yard.cloud.things) == ["bucket-7"]


def test_reading_what_does_not_exist_fails() -> None:
    run = Yard().run(lambda program: program.read("bucket", "nowhere"))
    assert run.errors == [f"{PACKAGE}:dynamic:Resource 'bucket' with id 'nowhere' does not exist"]


def test_a_read_of_another_resource_replaces_the_managed_one() -> None:
    yard = Yard()
    yard.run(lambda program: program.resource("thing"))
    yard.cloud.things["elsewhere"] = {}
    run = yard.run(lambda program: program.read("thing", "elsewhere"))
    assert run.steps == [("read-replacement", "thing"), ("replace", "thing"), ("delete-replaced", "thing")]
    assert list(yard.cloud.things) == ["elsewhere"]
    # And back: what was only read is not deleted when the stack makes one of its own.
    run = yard.run(lambda program: program.resource("thing"))
    assert run.steps == [("create-replacement", "thing"), ("replace", "thing"), ("discard-replaced", "thing")]
    assert sorted(yard.cloud.things) == ["elsewhere", "thing-2"]


def test_reading_the_managed_resource_itself_lets_go_of_it() -> None:
    yard = Yard()
    yard.run(lambda program: program.resource("thing"))
    assert yard.run(lambda program: program.read("thing", "thing-1")).steps == [("read", "thing")]
    yard.destroy()
    assert list(yard.cloud.things) == ["thing-1"]


def test_a_failure_lets_nothing_begin_that_has_not_begun() -> None:
    yard = Yard()
    begun, waiting = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        assert waiting.wait(PATIENCE_SECONDS)
        raise EngineError("no such luck")

    yard.cloud.during["create", "bad"] = fail

    def others(program: Program) -> list[threading.Thread]:
        def register(name: str) -> None:
            with suppress(Cancelled):
                program.resource(name)

        return [threading.Thread(target=register, args=(f"other-{number}",)) for number in range(5)]

    def run(program: Program) -> None:
        queue = others(program)
        assert begun.wait(PATIENCE_SECONDS)
        for thread in queue:
            thread.start()
        # Each has been checked, and there is one slot, which the failing one holds.
        while len(yard.cloud.calls.get("check", [])) < 1 + len(queue):
            time.sleep(0.001)
        waiting.set()
        for thread in queue:
            thread.join(PATIENCE_SECONDS)

    def program(program: Program) -> None:
        program.together(lambda: program.resource("bad"), lambda: run(program))

    outcome = yard.run(program, parallel=1)
    assert outcome.errors == ["no such luck"]
    # Nor does anybody say so.
    assert outcome.steps == [("create", "bad")]
    assert outcome.changes == {"create": 2}
    assert yard.cloud.things == {}
    assert yard.recorded == []
