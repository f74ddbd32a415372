"""Replacing a resource: the new one first, or the old one first and with it whatever cannot outlive it."""

import threading
from collections.abc import Callable

import pytest

from engine.errors import EngineError
from engine.providers import Difference
from tests.engine.deployments import PATIENCE_SECONDS, Program, Registers, Yard


def pair(value: str, *, key: str = "fixed", dependent: str = "colour", **options: object) -> Registers:
    """A resource, and one with the id of the first as its input `dependent`."""

    def program(program: Program) -> None:
        first = program.resource("first", inputs={key: value}, **options)
        program.resource("second", needs={dependent: first})

    return program


def cloud_log(yard: Yard) -> list[tuple[str, str]]:
    return [(operation, identifier) for operation, identifier in yard.cloud.log]


def test_the_new_one_is_created_before_the_old_one_is_deleted() -> None:
    yard = Yard()
    yard.run(pair("1"))
    expected = [
        ("create-replacement", "first"),
        ("replace", "first"),
        ("update", "second"),
        ("delete-replaced", "first"),
    ]
    preview = yard.preview(pair("2"))
    run = yard.run(pair("2"))
    assert preview.steps == run.steps == expected
    assert run.changes == {"replace": 1, "same": 1, "update": 1}
    assert cloud_log(yard)[2:] == [("create", "first-3"), ("update", "second-2"), ("delete", "first-1")]
    assert yard.state("second").inputs == {"colour": "first-3"}
    step = run.step("replace", "first")
    assert (step.replace_reasons, step.diff_reasons) == (["fixed"], ["fixed"])
    # The document for machines tells of the replacement as one step.
    assert [step["op"] for step in preview.document["steps"]] == ["same", "replace", "update"]


def test_the_provider_checks_a_replacement_as_a_new_resource() -> None:
    yard = Yard()
    yard.run(pair("1"))
    yard.cloud.calls.clear()
    yard.run(pair("2"))
    checks = [(olds, news) for name, olds, news in yard.cloud.calls["check"] if name == "first"]
    assert checks == [({"fixed": "1"}, {"fixed": "2"}), ({}, {"fixed": "2"})]


@pytest.mark.parametrize("way", ["option", "provider"])
def test_the_old_one_is_deleted_first_where_the_option_or_the_provider_wants_it(way: str) -> None:
    yard = Yard()
    options = {"delete_before_replace": True} if way == "option" else {"key": "exclusive"}
    yard.run(pair("1", **options))
    preview = yard.preview(pair("2", **options))
    run = yard.run(pair("2", **options))
    expected = [
        ("delete-replaced", "first"),
        ("replace", "first"),
        ("create-replacement", "first"),
        ("update", "second"),
    ]
    assert preview.steps == run.steps == expected
    assert cloud_log(yard)[2:] == [("delete", "first-1"), ("create", "first-3"), ("update", "second-2")]
    assert yard.recorded == ["first", "second"]
    assert not yard.state("first").pending_replacement


def test_the_option_can_overrule_a_provider_that_deletes_first() -> None:
    yard = Yard()
    yard.run(pair("1", key="exclusive", delete_before_replace=False))
    run = yard.run(pair("2", key="exclusive", delete_before_replace=False))
    assert run.steps[0] == ("create-replacement", "first")


def test_dependents_that_the_change_would_replace_go_first_and_come_back_last() -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            first = program.resource("first", inputs={"fixed": value}, delete_before_replace=True)
            second = program.resource("second", needs={"fixed": first})
            program.resource("third", needs={"fixed": second})
            program.resource("updated", needs={"colour": first})
            program.resource("ordered", inputs={"fixed": "x"}, after=[first])
            program.resource("apart", inputs={"fixed": "x"})

        return register

    yard.run(program("1"))
    preview = yard.preview(program("2"))
    run = yard.run(program("2"))
    assert preview.steps == run.steps == [
        ("delete-replaced", "third"),
        ("delete-replaced", "second"),
        ("delete-replaced", "first"),
        ("replace", "first"),
        ("create-replacement", "first"),
        ("replace", "second"),
        ("create-replacement", "second"),
        ("replace", "third"),
        ("create-replacement", "third"),
        ("update", "updated"),
    ]  # fmt: skip
    assert run.changes == {"replace": 3, "same": 3, "update": 1}
    assert yard.cloud.names() == ["apart", "first", "ordered", "second", "third", "updated"]
    assert yard.run(program("2")).steps == []


def test_a_dependent_that_was_deleted_early_and_left_the_program_stays_deleted() -> None:
    yard = Yard()
    yard.run(pair("1", dependent="fixed", delete_before_replace=True))
    run = yard.run(lambda program: program.resource("first", inputs={"fixed": "2"}, delete_before_replace=True))
    assert run.errors == []
    assert yard.recorded == ["first"]
    assert yard.cloud.names() == ["first"]


def test_a_dependent_with_replace_on_changes_goes_too() -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            first = program.resource("first", inputs={"exclusive": value})
            program.resource("second", needs={"colour": first}, replace_on_changes=["colour"])
            program.resource("ignoring", needs={"fixed": first}, ignore_changes=["fixed"])

        return register

    yard.run(program("1"))
    steps = yard.run(program("2")).steps
    assert steps[:2] == [("delete-replaced", "second"), ("delete-replaced", "first")]
    assert ("delete-replaced", "ignoring") not in steps


def test_a_dependent_that_does_not_depend_any_more_and_is_registered_at_once_is_left_alone() -> None:
    """Its own step must not meet the deletion that its former dependency would bring about."""
    yard = Yard()
    yard.run(pair("1", key="exclusive", dependent="fixed"))
    deleting, updating = threading.Event(), threading.Event()
    waiting = {"update": updating, "delete": deleting}

    def meet(mine: str, other: str) -> Callable[[], None]:
        def wait() -> None:
            waiting[mine].set()
            assert waiting[other].wait(PATIENCE_SECONDS)

        return wait

    yard.cloud.during = {("update", "second"): meet("update", "delete"), ("delete", "first"): meet("delete", "update")}

    def second(program: Program) -> None:
        program.resource("second", inputs={"fixed": "first-1", "colour": "new"})

    def first(program: Program) -> None:
        assert updating.wait(PATIENCE_SECONDS)
        program.resource("first", inputs={"exclusive": "2"})

    run = yard.run(lambda program: program.together(lambda: first(program), lambda: second(program)))
    assert run.error is None
    assert sorted(run.steps) == [
        ("create-replacement", "first"), ("delete-replaced", "first"), ("replace", "first"), ("update", "second")
    ]  # fmt: skip


def test_a_former_dependent_that_is_registered_during_its_deletion_waits_for_that() -> None:
    yard = Yard()
    yard.run(pair("1", key="exclusive", dependent="fixed"))
    deleting = threading.Event()
    registered = threading.Event()

    def delete_slowly() -> None:
        deleting.set()
        # The other registration can only be told to wait by the engine; it gets some time to go wrong.
        registered.wait(0.2)

    yard.cloud.during["delete", "second"] = delete_slowly

    def second(program: Program) -> None:
        assert deleting.wait(PATIENCE_SECONDS)
        program.resource("second", inputs={"fixed": "other"})
        registered.set()

    run = yard.run(
        lambda program: program.together(
            lambda: program.resource("first", inputs={"exclusive": "2"}), lambda: second(program)
        )
    )
    assert run.error is None
    assert yard.cloud.names() == ["first", "second"]
    assert sorted(yard.recorded) == ["first", "second"]


def test_a_failure_between_deletion_and_creation_is_carried_on_by_the_next_run() -> None:
    yard = Yard()
    yard.run(pair("1", key="exclusive"))

    def refuse() -> None:
        raise EngineError("no capacity")

    yard.cloud.during["create", "first"] = refuse
    assert yard.run(pair("2", key="exclusive")).errors == ["no capacity"]
    assert yard.state("first").pending_replacement
    yard.cloud.during.clear()
    preview = yard.preview(pair("2", key="exclusive"))
    run = yard.run(pair("2", key="exclusive"))
    # Nothing is left to delete.
    assert preview.steps == run.steps == [
        ("replace", "first"), ("create-replacement", "first"), ("update", "second")
    ]  # fmt: skip
    assert yard.cloud.names() == ["first", "second"]


def test_a_replacement_that_was_never_made_is_forgotten_with_the_resource() -> None:
    yard = Yard()
    yard.run(pair("1", key="exclusive"))

    def refuse() -> None:
        raise EngineError("no capacity")

    yard.cloud.during["create", "first"] = refuse
    yard.run(pair("2", key="exclusive"))
    assert yard.destroy().errors == []
    assert yard.documents == []
    assert yard.cloud.things == {}


def test_an_old_one_that_could_not_be_deleted_is_deleted_by_the_next_run() -> None:
    yard = Yard()
    yard.run(pair("1"))

    def refuse() -> None:
        raise EngineError("in use")

    yard.cloud.during["delete", "first"] = refuse
    assert yard.run(pair("2")).errors == ["in use"]
    assert sorted(yard.recorded) == ["-first", "first", "second"]
    yard.cloud.during.clear()
    assert yard.preview(pair("2")).steps == [("delete-replaced", "first")]
    assert yard.run(pair("2")).steps == [("delete-replaced", "first")]
    assert yard.cloud.names() == ["first", "second"]


def test_a_failed_replacement_leaves_the_old_one_in_place() -> None:
    yard = Yard()
    yard.run(pair("1"))

    def refuse() -> None:
        raise EngineError("no capacity")

    yard.cloud.during["create", "first"] = refuse
    yard.run(pair("2"))
    assert yard.state("first").id == "first-1"
    assert yard.state("first").inputs == {"fixed": "1"}
    assert yard.cloud.names() == ["first", "second"]


def test_initialization_errors_lead_to_an_update() -> None:
    yard = Yard()
    yard.run(pair("1"))
    for document in yard.documents:
        if document["urn"].endswith("::first"):
            document["initErrors"] = ["not ready"]
    assert yard.run(pair("1")).steps == [("update", "first")]
    assert yard.state("first").init_errors == []


def test_a_provider_that_says_what_is_replaced_by_an_unknown_value_is_asked_with_unknowns() -> None:
    yard = Yard()
    yard.run(pair("1", key="exclusive", dependent="colour"))
    yard.cloud.differences["second"] = Difference(changes=True, replaces=["colour"])
    steps = yard.preview(pair("2", key="exclusive", dependent="colour")).steps
    assert steps[0] == ("delete-replaced", "second")


def test_a_former_dependent_that_still_waits_for_its_deletion_goes_before_what_it_needs() -> None:
    yard = Yard()

    def program(value: str, own: int) -> Registers:
        def register(program: Program) -> None:
            first = program.resource("first", inputs={"exclusive": value})
            program.resource(
                "second", inputs={"fixed": own}, needs={"replacing": first}, replace_on_changes=["replacing"]
            )

        return register

    yard.run(program("1", 1))

    def refuse() -> None:
        raise EngineError("in use")

    yard.cloud.during["delete", "second"] = refuse
    yard.run(program("1", 2))
    assert yard.recorded.count("-second") == 1
    yard.cloud.during.clear()
    run = yard.run(program("2", 2))
    assert run.errors == []
    assert [identifier for operation, identifier in yard.cloud.log if operation == "delete"] == [
        "second-2", "second-3", "first-1"
    ] or [identifier for operation, identifier in yard.cloud.log if operation == "delete"] == [
        "second-3", "second-2", "first-1"
    ]  # fmt: skip
    assert sorted(yard.recorded) == ["first", "second"]
