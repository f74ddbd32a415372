"""The picture of a graph: boxes that do not touch, lines from box to box, few crossings, and the same each time."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.changes.html_drawing import draw
from lifecycle.changes.html_graph import MOST_NEIGHBOURS, surroundings, whole, without_detours
from lifecycle.changes.html_layers import Edge, crossings, in_layers
from lifecycle.changes.html_layout import BOX_HEIGHT, BOX_WIDTH, lay_out, spread
from lifecycle.changes.report import GraphNode
from tests.lifecycle.changes.sample_report import STACK, large_report, node, sample_report, urn


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    """Any graph, also with cycles, edges from a vertex to itself, and several parts."""
    count = draw(st.integers(1, 14))
    vertex = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(vertex, vertex), max_size=30))


@given(graphs())
def test_boxes_do_not_touch_and_lie_in_the_picture(graph: tuple[int, list[Edge]]) -> None:
    layout = lay_out(*graph)

    assert len(layout.corners) == graph[0]
    for (left, top), (other_left, other_top) in combinations(layout.corners, 2):
        assert abs(left - other_left) > BOX_WIDTH or abs(top - other_top) > BOX_HEIGHT
    for x, y in layout.corners:
        assert 0 < x < layout.width - BOX_WIDTH
        assert 0 < y < layout.height - BOX_HEIGHT


@given(graphs())
def test_every_edge_is_a_line_between_its_boxes_that_crosses_no_other_box(graph: tuple[int, list[Edge]]) -> None:
    layout = lay_out(*graph)

    assert set(layout.lines) == {edge for edge in graph[1] if edge[0] != edge[1]}
    for (start, end), points in layout.lines.items():
        for vertex, (x, y) in ((start, points[0]), (end, points[-1])):
            left, top = layout.corners[vertex]
            assert x in (left, left + BOX_WIDTH)
            assert y == top + BOX_HEIGHT // 2
        assert len(points) % 2 == 0
        for (x, y), (next_x, next_y) in list(pairwise(points))[1::2]:
            assert y == next_y
            assert abs(next_x - x) == BOX_WIDTH
            for left, top in layout.corners:
                assert left != min(x, next_x) or not top <= y <= top + BOX_HEIGHT


@given(graphs())
def test_edges_lead_to_the_right_but_for_one_of_each_cycle(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    forward = [(start, end) for start, end in edges if start < end]
    layout = lay_out(count, forward)

    for start, end in forward:
        assert layout.corners[start][0] < layout.corners[end][0]


@given(graphs())
def test_the_order_in_which_edges_are_told_does_not_matter(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph

    assert lay_out(count, edges) == lay_out(count, list(reversed(edges)) + edges)


@given(graphs())
def test_layers_hold_every_vertex_and_every_bend_once(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    layers = in_layers(count, edges)

    placed = [vertex for row in layers.rows for vertex in row]
    bends = [vertex for chain in layers.chains.values() for vertex in chain[1:-1]]
    assert sorted(placed) == list(range(len(placed)))
    assert {vertex for vertex in placed if vertex >= count} == set(bends)


def test_crossings_are_counted() -> None:
    assert crossings([[0, 1], [2, 3]], [(0, 3), (1, 2)]) == 1
    assert crossings([[0, 1], [2, 3]], [(0, 2), (1, 3)]) == 0
    assert crossings([[0, 1], [2, 3]], [(0, 2), (1, 2), (0, 3)]) == 1
    assert crossings([[0, 1, 2], [3, 4, 5]], [(0, 5), (1, 4), (2, 3)]) == 3


def test_a_tree_is_drawn_without_crossings() -> None:
    edges = [(at, child) for at in range(7) for child in (2 * at + 1, 2 * at + 2)]
    # Told in an order that would cross all of them.
    turned = [(start, end) for start, end in edges if start < 3] + [
        (9 - start, end) for start, end in edges if start > 2
    ]
    layers = in_layers(15, turned)

    pairs = [pair for chain in layers.chains.values() for pair in pairwise(chain)]
    assert crossings(layers.rows, pairs) == 0


@pytest.mark.parametrize(
    "edges",
    [
        # One that sorting by means untangles, and one that it takes exchanges of neighbours for.
        [(0, 5), (1, 2), (1, 3), (1, 4), (1, 6), (1, 8), (2, 5), (2, 6), (4, 5)],
        [(0, 5), (1, 6), (1, 7), (2, 5), (2, 8), (3, 5), (5, 6), (5, 8)],
    ],
)
def test_what_can_be_drawn_without_crossings_is(edges: list[Edge]) -> None:
    layers = in_layers(9, edges)

    assert crossings(layers.rows, [pair for chain in layers.chains.values() for pair in pairwise(chain)]) == 0


def test_a_zigzag_is_untangled() -> None:
    # Each of five leads to two of six, its own neighbours in a row; they are numbered in another order than they lie.
    upper, lower = [3, 0, 4, 1, 2], [8, 5, 10, 7, 6, 9]
    edges = [(upper[at], lower[at + step]) for at in range(5) for step in (0, 1)]
    layers = in_layers(11, edges)

    assert crossings([sorted(upper), sorted(lower)], edges) > 0
    assert crossings(layers.rows, edges) == 0


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.5, 9)), min_size=1, max_size=8), st.floats(1, 40))
def test_places_are_far_enough_apart_and_as_near_to_the_wishes_as_can_be(
    wanted: list[tuple[float, float]], room: float
) -> None:
    wishes, weights = [wish for wish, _ in wanted], [weight for _, weight in wanted]
    offsets = [room * at for at in range(len(wanted))]
    places = spread(wishes, weights, offsets)

    def cost(candidate: list[float]) -> float:
        return sum(weight * (at - wish) ** 2 for at, wish, weight in zip(candidate, wishes, weights, strict=True))

    assert all(next_one - one > room - 1e-6 for one, next_one in pairwise(places))
    best = cost(places)
    for at in range(len(places)):
        for step in (-0.5, 0.5):
            for moved in (
                places[:at] + [each + step for each in places[at:]],
                [*places[:at], places[at] + step, *places[at + 1 :]],
            ):
                if all(next_one - one >= room for one, next_one in pairwise(moved)):
                    assert cost(moved) >= best - 1e-6


@given(graphs())
def test_what_is_left_of_a_graph_without_detours_reaches_as_far(graph: tuple[int, list[Edge]]) -> None:
    edges = {(start, end) for start, end in graph[1] if start < end}
    kept = without_detours(edges)

    assert kept <= edges
    assert reach(kept) == reach(edges)
    for edge in kept:
        assert edge not in reach(kept - {edge})


def reach(edges: set[Edge]) -> set[Edge]:
    reached = set(edges)
    for middle in range(14):
        into, out = [a for a, b in reached if b == middle], [b for a, b in reached if a == middle]
        reached |= {(a, b) for a in into for b in out}
    return reached


def test_of_a_graph_with_a_cycle_nothing_is_left_out() -> None:
    assert without_detours([(0, 1), (1, 0), (0, 2), (1, 2)]) == {(0, 1), (1, 0), (0, 2), (1, 2)}


def test_surroundings_are_what_changes_with_its_parents_and_neighbours() -> None:
    prod = sample_report().stacks[0]
    part = surroundings(prod.graph)

    shown = {prod.graph[at].urn for at in part.shown}
    assert {one.urn for one in prod.resources} <= shown
    assert urn("prod", "trainyard:aws:Keys::keys") in shown
    assert urn("prod", "trainyard:aws:Platform::aws") in shown
    assert urn("prod", "kubernetes:networking.k8s.io/v1:NetworkPolicy::serving") not in shown
    assert not any(prod.graph[at].type == STACK for at in part.shown)


def test_of_many_neighbours_a_few_are_shown_and_the_rest_counted() -> None:
    nodes = [node("s", "a:b:C::hub", "", "", "update")]
    nodes += [node("s", f"a:b:C::leaf-{at}", "", "a:b:C::hub", "same") for at in range(40)]
    part = surroundings(nodes)

    assert len(part.shown) == 1 + MOST_NEIGHBOURS
    assert part.left_out == {0: 40 - MOST_NEIGHBOURS}


def test_what_does_not_exist_and_what_needs_itself_is_passed_over() -> None:
    nodes = [node("s", "a:b:C::one", "a:b:C::gone", "a:b:C::one a:b:C::none", "update")]

    assert whole(nodes).edges == ()
    assert surroundings(nodes).shown == (0,)


def test_parents_that_are_each_others_end() -> None:
    nodes = [node("s", "a:b:C::one", "a:b:C::two", "", "update"), node("s", "a:b:C::two", "a:b:C::one", "", "same")]

    assert surroundings(nodes).shown == (0, 1)
    assert len(draw(nodes, whole(nodes), {}).lines) == 2


@pytest.mark.parametrize("nodes", [sample_report().stacks[0].graph, large_report(parts=12).stacks[0].graph])
def test_a_drawing_has_all_of_it(nodes: tuple[GraphNode, ...]) -> None:
    drawing = draw(nodes, whole(nodes), {nodes[3].urn: "s1-r1"})

    assert sorted(box.place for box in drawing.boxes) == [at for at, each in enumerate(nodes) if each.type != STACK]
    assert [box.place for box in drawing.boxes if box.resource == "s1-r1"] == [3]
    assert all(line.path.startswith("M") for line in drawing.lines)
