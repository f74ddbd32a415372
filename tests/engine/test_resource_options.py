"""The options of a resource: protect, retainOnDelete, ignoreChanges, replaceOnChanges, deletedWith, and providers."""

import re

import pytest

from engine.errors import EngineError
from engine.values import UNKNOWN, Secret
from tests.engine.deployments import DEFAULT_PROVIDER_URN, PACKAGE, Program, Registers, Yard

PROTECTED = "it is protected. To unprotect it, remove the protect option from the program and run up first"


def one(**options: object) -> Registers:
    """A program with one resource."""
    return lambda program: program.resource("it", **options)


def nothing(_: Program) -> None:
    """An empty program."""


def test_a_protected_resource_is_not_deleted() -> None:
    yard = Yard()
    yard.run(one(protect=True))
    preview = yard.preview(nothing)
    run = yard.run(nothing)
    for each in (preview, run):
        (message,) = each.errors
        assert message == f"unable to delete {yard.state('it').urn}: {PROTECTED}"
        assert each.deployment.failed
    assert preview.steps == [("delete", "it")]
    assert run.steps == []
    assert yard.cloud.names() == ["it"]


def test_a_protected_resource_is_not_replaced_but_the_preview_goes_on() -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            program.resource("it", inputs={"fixed": value}, protect=True)
            program.resource("other")

        return register

    yard.run(program("1"))
    preview = yard.preview(program("2"))
    assert preview.errors == [f"unable to replace {yard.state('it').urn}: {PROTECTED}"]
    assert ("replace", "it") in preview.steps
    assert preview.error is None
    run = yard.run(program("2"))
    assert run.steps == []
    assert yard.cloud.names() == ["it", "other"]


def test_protection_can_be_lifted_in_the_update_that_replaces() -> None:
    yard = Yard()
    yard.run(one(inputs={"fixed": "1"}, protect=True))
    assert yard.run(one(inputs={"fixed": "2"})).errors == []


def test_lifting_protection_alone_is_recorded() -> None:
    yard = Yard()
    yard.run(one(protect=True))
    preview = yard.preview(one(), every_state=True)
    assert preview.steps == []
    assert [step["op"] for step in preview.document["steps"]] == ["same", "same"]
    yard.run(one())
    assert yard.run(nothing).steps == [("delete", "it")]


def test_a_protected_dependent_stops_a_replacement_that_would_delete_it() -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            first = program.resource("first", inputs={"exclusive": value})
            program.resource("second", needs={"fixed": first}, protect=True)

        return register

    yard.run(program("1"))
    run = yard.run(program("2"))
    (message,) = run.errors
    assert "unable to replace" in message
    assert "::second" in message
    assert "because" in message
    assert yard.cloud.names() == ["first", "second"]
    assert yard.recorded == ["first", "second"]


def test_children_inherit_what_pulumi_hands_down() -> None:
    yard = Yard()

    def program(program: Program) -> None:
        cluster = program.resource("cluster")
        group = program.component("group", protect=True, retain_on_delete=True, deleted_with=cluster.urn)
        program.resource("heir", parent=group.urn)
        program.resource("rebel", parent=group.urn, protect=False, retain_on_delete=False)

    yard.run(program)
    heir, rebel = yard.state("heir"), yard.state("rebel")
    assert (heir.protect, heir.retain_on_delete, heir.deleted_with) == (True, True, yard.state("cluster").urn)
    assert (rebel.protect, rebel.retain_on_delete) == (False, False)


def test_what_is_retained_leaves_the_state_but_not_the_cloud() -> None:
    yard = Yard()
    yard.run(one(inputs={"fixed": "1"}, retain_on_delete=True))
    yard.run(one(inputs={"fixed": "2"}, retain_on_delete=True))
    assert yard.cloud.names() == ["it", "it"]
    assert yard.run(nothing).steps == [("delete", "it")]
    assert yard.recorded == []
    assert yard.cloud.names() == ["it", "it"]


def test_deleted_with_spares_the_provider_the_deletion() -> None:
    yard = Yard()

    def program(program: Program) -> None:
        cluster = program.resource("cluster")
        program.resource("inside", deleted_with=cluster.urn)

    yard.run(program)
    # On its own it is deleted; with its cluster it goes without the provider.
    assert yard.run(lambda program: program.resource("cluster")).steps == [("delete", "inside")]
    assert yard.cloud.names() == ["cluster"]
    yard.run(program)
    assert yard.destroy().steps == [("delete", "inside"), ("delete", "cluster")]
    assert yard.cloud.names() == ["inside"]
    assert yard.recorded == []


@pytest.mark.parametrize("key", ["fixed", "exclusive"])
def test_deleted_with_replaces_together_and_deletes_once(key: str) -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            cluster = program.resource("cluster", inputs={key: value})
            program.resource("inside", deleted_with=cluster.urn)

        return register

    yard.run(program("1"))
    run = yard.run(program("2"))
    assert run.errors == []
    assert run.changes == {"replace": 2, "same": 1}
    assert [name for name, *_ in yard.cloud.calls["delete"]] == ["cluster"]


@pytest.mark.parametrize(
    ("ignored", "steps"),
    [(["tags.b"], []), (["tags"], []), (["tags.*"], []), (["*"], []), (['tags["b"]'], []), (["tags.a"], ["update"])],
)
def test_ignored_changes_keep_the_old_value(ignored: list[str], steps: list[str]) -> None:
    yard = Yard()
    yard.run(one(inputs={"tags": {"a": 1, "b": 2}}))
    run = yard.run(one(inputs={"tags": {"a": 1, "b": 3}}, ignore_changes=ignored))
    assert [operation for operation, _ in run.steps] == steps
    assert yard.state("it").inputs == {"tags": {"a": 1, "b": 3 if steps else 2}}
    assert yard.state("it").ignore_changes == ignored


def test_ignored_changes_reach_into_lists_and_do_not_hide_others() -> None:
    yard = Yard()
    yard.run(one(inputs={"rules": [{"port": 1, "open": True}, {"port": 2, "open": True}]}))
    run = yard.run(
        one(inputs={"rules": [{"port": 8, "open": True}, {"port": 9, "open": False}]}, ignore_changes=["rules[*].port"])
    )
    assert list(run.step("update", "it").detailed_diff or {}) == ["rules[1].open"]
    assert yard.state("it").inputs == {"rules": [{"port": 1, "open": True}, {"port": 2, "open": False}]}


def test_a_new_resource_has_nothing_to_ignore() -> None:
    yard = Yard()
    yard.run(one(inputs={"size": 1}, ignore_changes=["size"]))
    assert yard.state("it").inputs == {"size": 1}


@pytest.mark.parametrize("when", ["together with it", "in the next run"])
def test_what_is_made_anew_ignores_no_changes(when: str) -> None:
    yard = Yard()

    def program(value: str) -> Registers:
        def register(program: Program) -> None:
            first = program.resource("first", inputs={"exclusive": value})
            program.resource("second", needs={"fixed": first, "colour": first}, ignore_changes=["colour"])

        return register

    def refuse() -> None:
        raise EngineError("no capacity")

    yard.run(program("1"))
    if when == "in the next run":
        yard.cloud.during["create", "second"] = refuse
        assert yard.run(program("2")).errors == ["no capacity"]
        assert yard.state("second").pending_replacement
        yard.cloud.during.clear()
    assert yard.run(program("2")).errors == []
    first = yard.state("first").id
    assert yard.state("second").inputs == {"fixed": first, "colour": first}
    assert yard.cloud.calls["create"][-1][1] == {"fixed": first, "colour": first}
    # From then on it does again.
    assert yard.run(program("2")).steps == []


def test_a_resource_that_was_only_read_hands_nothing_on_to_the_one_that_is_made() -> None:
    yard = Yard()
    yard.cloud.things["it-0"] = {"size": 1}
    yard.run(lambda program: program.read("it", "it-0", inputs={"size": 1}))
    yard.run(one(inputs={"size": 2}, ignore_changes=["size"]))
    assert yard.state("it").inputs == {"size": 2}


def test_a_secret_that_is_kept_in_part_stays_secret() -> None:
    yard = Yard()
    yard.run(one(inputs={"rules": [{"key": Secret("hush"), "port": 1}], "login": Secret({"key": "hush", "user": 1})}))
    program = one(
        inputs={"rules": [{"key": Secret("x"), "port": 2}], "login": {"key": "x", "user": 2}},
        ignore_changes=["rules[*].key", "login.key"],
    )
    preview, run = yard.preview(program), yard.run(program)
    assert yard.state("it").inputs == {
        "rules": [{"key": Secret("hush"), "port": 2}],
        "login": {"key": Secret("hush"), "user": 2},
    }
    assert "hush" not in repr(preview.events) + repr(run.events)
    assert "hush" not in re.sub(r"'ciphertext': '[^']*'", "", repr(yard.documents))


@pytest.mark.parametrize(
    ("named", "replaced"),
    [
        (["tags"], True),
        (["tags.b"], True),
        (["*"], True),
        (["tags.a"], False),
        (["tags.b.c"], False),
        (["other"], False),
    ],
)
def test_replace_on_changes_turns_an_update_into_a_replacement(named: list[str], replaced: bool) -> None:
    yard = Yard()
    yard.run(one(inputs={"tags": {"a": 1, "b": 2}}))
    run = yard.run(one(inputs={"tags": {"a": 1, "b": 3}}, replace_on_changes=named))
    if not replaced:
        assert run.steps == [("update", "it")]
        return
    step = run.step("replace", "it")
    assert step.replace_reasons == ["tags"]
    assert step.detailed_diff == {"tags.b": {"kind": "update-replace", "inputDiff": True}}


def test_replace_on_changes_without_a_change_does_nothing() -> None:
    yard = Yard()
    yard.run(one(inputs={"size": 1}, replace_on_changes=["*"]))
    assert yard.run(one(inputs={"size": 1}, replace_on_changes=["*"])).steps == []


def test_changed_options_alone_are_recorded_without_a_step() -> None:
    yard = Yard()
    yard.run(one())
    options = {"custom_timeouts": {"create": 60.0}, "retain_on_delete": True, "additional_secret_outputs": ["serial"]}
    assert yard.run(one(**options)).steps == []
    state = yard.state("it")
    assert (state.custom_timeouts, state.retain_on_delete) == ({"create": 60.0}, True)
    assert state.outputs["serial"] == Secret(1)


def test_secret_inputs_and_named_outputs_are_secret_in_the_record_and_in_what_is_shown() -> None:
    yard = Yard()
    program = one(
        inputs={"password": Secret("hunter2"), "nested": {"deep": [Secret("swordfish"), "plain"]}},
        additional_secret_outputs=["serial"],
    )
    preview = yard.preview(program)
    run = yard.run(program)
    outputs = yard.state("it").outputs
    assert outputs["password"] == Secret("hunter2")
    # Of a list the whole is secret, since the provider may have ordered it anew.
    assert outputs["nested"] == {"deep": Secret([Secret("swordfish"), "plain"])}
    assert outputs["serial"] == Secret(1)
    for text in ("hunter2", "swordfish"):
        assert text not in repr(preview.events) + repr(run.events)
        # The test's encryption keeps the text readable; nothing else of the record may.
        assert f'"{text}"' in repr(yard.documents)
        assert text not in re.sub(r"'ciphertext': '[^']*'", "", repr(yard.documents))
    assert yard.run(program).steps == []
    assert yard.cloud.calls["create"][0][1]["password"] == Secret("hunter2")


def test_an_input_that_becomes_secret_makes_the_output_secret_without_touching_the_resource() -> None:
    yard = Yard()
    yard.run(one(inputs={"size": 1}))
    run = yard.run(one(inputs={"size": Secret(1)}))
    assert run.steps == []
    assert yard.state("it").inputs == {"size": Secret(1)}
    assert yard.state("it").outputs["size"] == Secret(1)


# Providers


def test_the_default_provider_is_registered_once_and_goes_with_its_last_resource() -> None:
    yard = Yard(config={"yard:size": 1})
    yard.run(lambda program: program.together(*(lambda n=n: program.resource(n) for n in "abcd")))
    (provider,) = (state for state in yard.states if state.type == f"pulumi:providers:{PACKAGE}")
    assert provider.urn == DEFAULT_PROVIDER_URN
    assert provider.inputs == {"yard:size": 1}
    assert yard.state("a").provider == f"{provider.urn}::{provider.id}"
    yard.run(nothing)
    assert [state.type for state in yard.states] == ["pulumi:pulumi:Stack"]


def test_another_version_of_the_default_provider_replaces_nothing() -> None:
    yard = Yard()
    yard.run(one(version="1.2.3"))
    assert yard.state("it").provider.startswith(DEFAULT_PROVIDER_URN + "_1_2_3::")
    run = yard.run(one(version="1.3.0-rc.1"))
    assert (run.steps, run.changes) == ([], {"same": 2})
    assert yard.state("it").provider.startswith(DEFAULT_PROVIDER_URN + "_1_3_0_rc_1::")
    assert [state.urn for state in yard.states if state.type.startswith("pulumi:providers")] == [
        DEFAULT_PROVIDER_URN + "_1_3_0_rc_1"
    ]
    # Its inputs are the stack's whole configuration, which dynamic resources do not depend on.
    yard.config = {"yard:size": "2"}
    assert yard.run(one(version="1.4.0")).steps == []
    provider = yard.state("default_1_4_0")
    assert provider.inputs == {"__internal": {}, "version": "1.4.0", "yard:size": "2"}
    assert provider.outputs == {"version": "1.4.0", "yard:size": "2"}


def with_explicit_provider(*, region: str, name: str = "explicit", **options: object) -> Registers:
    """A resource with a provider of its own."""

    def program(program: Program) -> None:
        provider = program.resource(
            name, type=f"pulumi:providers:{PACKAGE}", inputs={"region": region}, version="1.0.0", **options
        )
        program.resource("it", provider=f"{provider.urn}::{provider.id or UNKNOWN}")

    return program


def test_an_explicit_provider_is_a_resource_that_its_resources_outlive_when_it_changes() -> None:
    yard = Yard()
    run = yard.run(with_explicit_provider(region="north"))
    assert run.changes == {"create": 3}
    identifier = yard.state("explicit").id
    assert yard.state("it").provider.endswith(f"::explicit::{identifier}")
    run = yard.run(with_explicit_provider(region="south"))
    assert run.changes == {"same": 2, "update": 1}
    assert yard.state("explicit").id == identifier
    # A provider goes after the resources that it has to delete.
    assert yard.destroy().errors == []


def test_a_provider_of_another_configuration_replaces_the_resource_and_one_of_the_same_does_not() -> None:
    yard = Yard()
    yard.run(with_explicit_provider(region="north"))
    run = yard.run(with_explicit_provider(region="north", name="renamed"))
    assert run.changes == {"create": 1, "delete": 1, "same": 2}
    run = yard.run(with_explicit_provider(region="south", name="third"))
    assert run.step("replace", "it").replace_reasons == ["provider"]
    assert yard.cloud.names() == ["it"]
