"""A resource that was renamed, moved or retyped is found again by its aliases, and so is whatever belongs to it."""

from engine.goal import Alias
from tests.engine.deployments import PACKAGE, STACK_URN, Program, Registers, Yard

TYPE = f"{PACKAGE}:dynamic:Resource"
PREFIX = "urn:pulumi:dev::yard::"


def test_a_renamed_resource_stays_and_the_references_to_it_follow() -> None:
    yard = Yard()

    def program(name: str, *aliases: Alias, with_dependent: bool = True) -> Registers:
        def register(program: Program) -> None:
            first = program.resource(name, aliases=list(aliases))
            program.resource("second", needs={"colour": first}, deleted_with=first.urn)
            if with_dependent:
                program.resource("third", after=[first])

        return register

    yard.run(program("old"))
    run = yard.run(program("new", Alias(name="old")))
    assert (run.steps, run.changes) == ([], {"same": 4})
    urn = f"{PREFIX}{TYPE}::new"
    assert yard.state("new").urn == urn
    assert yard.state("second").property_dependencies == {"colour": [urn]}
    assert yard.state("second").deleted_with == urn
    assert yard.cloud.names() == ["old", "second", "third"]
    # Without the alias all stays as it is now.
    assert yard.run(program("new")).steps == []


def test_references_of_resources_that_the_program_did_not_reach_follow_too() -> None:
    yard = Yard()

    def before(program: Program) -> None:
        first = program.resource("old")
        program.resource("second", needs={"colour": first})

    def failing(program: Program) -> None:
        program.resource("new", aliases=[Alias(name="old")])
        program.resource("new")

    yard.run(before)
    assert yard.run(failing).errors
    assert yard.recorded == ["new", "second"]
    assert yard.state("second").dependencies == [f"{PREFIX}{TYPE}::new"]


def test_a_whole_urn_and_another_type_are_aliases_too() -> None:
    yard = Yard()
    yard.run(lambda program: program.resource("a", type=f"{PACKAGE}:dynamic/old:Thing"))
    run = yard.run(
        lambda program: program.resource(
            "a", type=f"{PACKAGE}:dynamic/new:Thing", aliases=[Alias(type=f"{PACKAGE}:dynamic/old:Thing")]
        )
    )
    assert run.changes == {"same": 2}
    run = yard.run(
        lambda program: program.resource("b", aliases=[Alias(urn=f"{PREFIX}{PACKAGE}:dynamic/new:Thing::a")])
    )
    assert run.changes == {"same": 2}
    assert yard.cloud.names() == ["a"]


def test_children_are_found_when_their_parent_was_renamed_or_moved() -> None:
    yard = Yard()

    def program(name: str, *, aliases: list[Alias], outer: bool) -> Registers:
        def register(program: Program) -> None:
            parent = program.component("outer", type="yard:index:Outer").urn if outer else STACK_URN
            group = program.component(name, parent=parent, aliases=aliases)
            child = program.component(f"{name}-part", parent=group.urn, type="yard:index:Part")
            program.resource(f"{name}-part-leaf", parent=child.urn)
            program.resource("other", parent=child.urn)

        return register

    yard.run(program("app", aliases=[], outer=False))
    run = yard.run(program("web", aliases=[Alias(name="app")], outer=False))
    assert run.changes == {"same": 5}
    run = yard.run(program("web", aliases=[Alias(no_parent=True)], outer=True))
    assert run.changes == {"create": 1, "same": 5}
    assert yard.state("web-part-leaf").urn == (
        f"{PREFIX}yard:index:Outer$yard:index:Group$yard:index:Part${TYPE}::web-part-leaf"
    )
    assert yard.cloud.names() == ["app-part-leaf", "other"]


def test_a_child_that_is_itself_renamed_is_found_under_its_parents_old_name() -> None:
    yard = Yard()

    def program(group: str, child: str, group_aliases: list[Alias], child_aliases: list[Alias]) -> Registers:
        def register(program: Program) -> None:
            parent = program.component(group, aliases=group_aliases)
            program.resource(child, parent=parent.urn, aliases=child_aliases)

        return register

    yard.run(program("app", "leaf", [], []))
    run = yard.run(program("web", "blade", [Alias(name="app", type="yard:index:Group")], [Alias(name="leaf")]))
    assert run.changes == {"same": 3}


def test_a_moved_resource_is_found_by_its_former_parent() -> None:
    yard = Yard()

    def program(inside: bool) -> Registers:
        def register(program: Program) -> None:
            group = program.component("group")
            if inside:
                program.resource("leaf", parent=group.urn)
            else:
                program.resource("leaf", aliases=[Alias(parent=group.urn)])

        return register

    yard.run(program(True))
    assert yard.run(program(False)).changes == {"same": 3}


def test_a_renamed_resource_can_be_replaced_in_the_same_update() -> None:
    yard = Yard()
    for key in ("fixed", "exclusive"):
        yard.run(lambda program, key=key: program.resource("old", inputs={key: 1}))
        run = yard.run(lambda program, key=key: program.resource("new", inputs={key: 2}, aliases=[Alias(name="old")]))
        assert run.errors == []
        assert run.changes == {"replace": 1, "same": 1}
        assert yard.cloud.names() == ["new"]
        assert yard.recorded == ["new"]
        yard.destroy()


def test_a_renamed_provider_replaces_nothing() -> None:
    yard = Yard()

    def program(name: str, *aliases: Alias) -> Registers:
        def register(program: Program) -> None:
            provider = program.resource(name, type=f"pulumi:providers:{PACKAGE}", aliases=list(aliases))
            program.resource("it", provider=f"{provider.urn}::{provider.id}")

        return register

    yard.run(program("old"))
    assert yard.run(program("new", Alias(name="old"))).changes == {"same": 3}
    assert "::new::" in yard.state("it").provider


def test_an_alias_of_what_another_resource_holds_is_refused() -> None:
    yard = Yard()
    yard.run(lambda program: program.resource("a"))

    def still_there(program: Program) -> None:
        program.resource("a")
        program.resource("b", aliases=[Alias(name="a")])

    def taken_twice(program: Program) -> None:
        program.resource("b", aliases=[Alias(name="a")])
        program.resource("c", aliases=[Alias(name="a")])

    def back_again(program: Program) -> None:
        program.resource("b", aliases=[Alias(name="a")])
        program.resource("a")

    for program, holder in ((still_there, "a"), (taken_twice, "b"), (back_again, "b")):
        (message,) = yard.preview(program).errors
        assert f"{TYPE}::a" in message
        assert f"{TYPE}::{holder}" in message


def test_the_first_alias_that_exists_counts() -> None:
    yard = Yard()
    yard.run(lambda program: (program.resource("a"), program.resource("b")))
    run = yard.run(
        lambda program: program.resource("c", aliases=[Alias(name="none"), Alias(name="b"), Alias(name="a")])
    )
    assert run.steps == [("delete", "a")]
    assert yard.cloud.names() == ["b"]
