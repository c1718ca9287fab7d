"""Which rows are shown, and which rows a filter means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.client.model import Model
from inspector.tui.tree.columns import Widths, lay_out
from inspector.tui.tree.matching import Names, find, highlights, letters, occurrences, step
from inspector.tui.tree.outline import Outline, default_expansion

from .tree_models import flat, model, named, network, row


@st.composite
def trees(draw: st.DrawFn) -> Model:
    """Any module list in preorder."""
    rows, open_parents = [row(0, -1, "")], [0]
    for index in range(1, draw(st.integers(1, 25))):
        keep = draw(st.integers(1, len(open_parents)))
        del open_parents[keep:]
        rows.append(row(index, open_parents[-1], str(index)))
        open_parents.append(index)
    return model(rows)


def shown(outline: Outline) -> list[int]:
    """What should be shown, said plainly."""
    rows, expanded = outline.model.rows, outline.expanded
    found: list[int] = []
    for each in rows:
        if each.parent < 0 or (each.parent in found and each.parent in expanded):
            found.append(each.index)
    return found


@given(trees(), st.lists(st.tuples(st.sampled_from(["expand", "collapse", "reveal"]), st.integers(0, 24))))
def test_whatever_is_opened_or_closed(made: Model, steps: list[tuple[str, int]]) -> None:
    outline = Outline(made)
    for action, index in steps:
        index %= len(made.rows)
        getattr(outline, action)(index)
        assert outline.lines == shown(outline)
        assert action != "reveal" or outline.shows(index)


@given(trees(), st.sets(st.integers(0, 24)), st.integers(0, 25))
def test_rows_that_arrive_later_are_shown_as_if_they_had_been_there(made: Model, expanded: set[int], cut: int) -> None:
    whole = Outline(made)
    whole.expand_only(expanded)
    parts = Model(made.info, 1)
    parts.add_rows(made.rows[:cut])
    outline = Outline(parts)
    outline.expand_only(expanded & set(range(cut)))
    parts.add_rows(made.rows[cut:])
    outline.extend()
    assert outline.lines == [line for line in shown(outline)]
    assert expanded - set(range(cut)) or outline.lines == whole.lines


@given(trees(), st.sets(st.integers(0, 24)))
def test_a_filter_keeps_matches_with_their_ancestors_and_nothing_else(made: Model, matches: set[int]) -> None:
    matches = {index for index in matches if index < len(made.rows)}
    outline = Outline(made)
    outline.narrow(sorted(matches))
    wanted = matches | {above for index in matches for above in made.ancestors(index)}
    assert outline.lines == sorted(wanted)
    outline.expand(0)
    outline.collapse(0)
    assert outline.lines == sorted(wanted)
    outline.narrow(None)
    assert outline.lines == [0]


def test_position_of_a_hidden_row_is_that_of_its_nearest_shown_ancestor() -> None:
    made = network()
    outline = Outline(made)
    outline.expand(0)
    relu = made.index_of(("layer1", "relu"))
    layer = made.index_of(("layer1",))
    assert relu is not None and layer is not None
    assert outline.lines[outline.position(relu)] == layer


def test_an_open_leaf_is_not_open() -> None:
    outline = Outline(network())
    outline.expand(1)
    assert not outline.is_open(1) and outline.expanded == frozenset()


@pytest.mark.parametrize(("room", "lines"), [(1, 7), (7, 7), (22, 7), (23, 23)])
def test_default_expansion_takes_whole_levels(room: int, lines: int) -> None:
    made = network()  # the root, six children, four of them with four children
    outline = Outline(made)
    outline.expand_only(default_expansion(Outline(made), room))
    assert len(outline.lines) == lines


def test_default_expansion_of_odd_shapes() -> None:
    assert default_expansion(Outline(Model()), 20) == set()
    assert default_expansion(Outline(flat(5000)), 20) == {0}
    chain = model([row(0, -1, ""), *(row(i, i - 1, "m") for i in range(1, 2000))])
    assert default_expansion(Outline(chain), 20) == set(range(19))


# the words of a filter


def names_of(made: Model) -> Names:
    names = Names()
    names.extend(made)
    return names


def paths(made: Model, text: str) -> list[str]:
    return [".".join(made.paths[index]) for index in find(text, names_of(made), {})]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stem", ["stem"]),
        ("STEM", ["stem"]),
        ("layer1.conv", ["layer1.conv0", "layer1.conv1"]),
        ("l1cv1", ["layer1.conv1"]),  # letters in order, where nothing has the word
        ("layer1 relu", ["layer1.relu"]),
        ("relu layer1", ["layer1.relu"]),
        ("layer*.conv1", ["layer0.conv1", "layer1.conv1"]),
        ("conv[01]", ["layer0.conv0", "layer0.conv1", "layer1.conv0", "layer1.conv1"]),
        ("class:relu", ["layer0.relu", "layer1.relu"]),
        ("class:Seq", ["layer0", "layer1"]),
        ("class:*d layer1", ["layer1.conv0", "layer1.conv1"]),
        ("class:Conv2d stem", ["stem"]),
        ("zzz", []),
        ("stem zzz", []),
        ("[", []),
        ("*[", []),
    ],
)
def test_find(text: str, found: list[str]) -> None:
    assert paths(network(blocks=2, convs=2), text) == found


def test_a_whole_class_name_excludes_longer_ones() -> None:
    made = model([row(0, -1, ""), row(1, 0, "a", "Conv2d"), row(2, 0, "b", "LazyConv2d")])
    assert paths(made, "class:conv2d") == ["a"]
    assert paths(made, "class:conv2") == ["a", "b"]


def test_odd_names_are_found_as_they_are_shown() -> None:
    made = named("[red]", "\x1b[31m", "漢字")
    assert paths(made, "\\e") == ["\x1b[31m"]
    assert paths(made, "漢") == ["漢字"]


@given(st.text("ab.*?[]: ", max_size=12))
def test_no_filter_raises(text: str) -> None:
    made = named("a", "b.a", "[ab]", "")
    assert set(find(text, names_of(made), {})) <= set(range(len(made.rows)))


@given(st.text("abc", min_size=1, max_size=4), st.text("abc", max_size=12))
def test_letters_are_where_they_are_said_to_be(word: str, text: str) -> None:
    at = letters(word, text)
    assert at == sorted(set(at))
    assert "".join(text[i] for i in at) == (word if at else "")


def test_letters_of_the_name_are_marked() -> None:
    assert highlights("l1cv1", "layer1.conv1", "conv1") == {0, 3, 4}
    assert highlights("layer1", "layer1.conv1", "conv1") == set()
    assert highlights("class:Conv2d conv*", "layer1.conv1", "conv1") == set()
    assert occurrences("O", "conv.Conv") == {1, 6}


def test_steps_go_round() -> None:
    assert [step([2, 5, 9], current, 1) for current in (0, 2, 3, 9, 10)] == [2, 5, 5, 2, 2]
    assert [step([2, 5, 9], current, -1) for current in (0, 2, 3, 9, 10)] == [9, 9, 2, 5, 9]
    assert [step([2, 5, 9], current, 0) for current in (0, 2, 3, 10)] == [2, 2, 5, 2]


# columns

widths = st.builds(Widths, *[st.integers(0, 30)] * 10)


@given(st.integers(0, 160), widths, st.booleans())
def test_columns_take_exactly_the_width_there_is(width: int, natural: Widths, long_names: bool) -> None:
    columns = lay_out(width, natural, long_names)
    right = (
        columns.class_name, columns.number, columns.shape, columns.heat, columns.calls, columns.mark, columns.badges,
    )  # fmt: skip
    taken = columns.name + columns.gap + sum(cells + 1 for cells in right if cells) + bool(columns.shape)
    assert taken == width
    assert columns.name > 0 or natural.name == 0 or width == 0


def test_columns_give_way_in_order() -> None:
    natural = Widths(
        name=18, class_name=17, number=5, shape=12, short_shape=9, calls=2, mark=1, words=8, signs=1, heat=6
    )
    seen = [lay_out(width, natural) for width in range(100, 0, -1)]

    def first(gone: str) -> int:
        return next(
            i for i, c in enumerate(seen) if {"words": not c.words, "shape spelled": c.shape < 12}.get(gone, False)
            or (gone in c._fields and gone != "words" and not getattr(c, gone))
        )  # fmt: skip

    order = ["words", "shape spelled", "class_name", "number", "shape", "mark", "heat"]
    assert sorted(order, key=first) == order
    assert len({first(gone) for gone in order}) == len(order)
