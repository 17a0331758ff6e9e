"""How far labels travel: examples, and what holds of every lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification.propagation.changes import respread
from classification.propagation.holding import to_hold
from classification.propagation.spread import Carried, Edge, Kind, Own, over, spread

PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = 1, 2, 3, 4
EMAIL, HEALTH = 7, 8
JOB = 1


def hop(upstream: int, downstream: int, kind: Kind = Kind.IDENTITY, job: int = JOB) -> Edge:
    return Edge(upstream, downstream, kind, job)


def test_a_label_travels_as_far_as_its_values():
    found = spread([hop(1, 2), hop(2, 3, Kind.TRANSFORMATION)], {1: Own(CONFIDENTIAL, EMAIL)})
    assert [(one.rank, one.category, one.via, one.hops) for one in found.values()] == [
        (CONFIDENTIAL, EMAIL, 0, 0),
        (CONFIDENTIAL, EMAIL, 1, 1),
        (CONFIDENTIAL, EMAIL, 2, 2),
    ]
    assert not any(one.aggregated for one in found.values())


def test_of_an_aggregate_the_level_travels_and_is_to_be_reviewed():
    found = spread([hop(1, 2, Kind.AGGREGATION), hop(2, 3)], {1: Own(CONFIDENTIAL, EMAIL)})
    assert [(found[column].rank, found[column].category, found[column].aggregated) for column in (2, 3)] == [
        (CONFIDENTIAL, None, True),
        (CONFIDENTIAL, None, True),
    ]


def test_masking_and_indirect_influences_carry_nothing():
    assert spread([hop(1, 2, Kind.MASKING), hop(1, 3, Kind.INDIRECT)], {1: Own(RESTRICTED)}).keys() == {1}


def test_one_way_round_the_masking_is_enough():
    found = spread([hop(1, 2, Kind.MASKING), hop(1, 2, Kind.TRANSFORMATION)], {1: Own(RESTRICTED)})
    assert found[2].rank == RESTRICTED


def test_the_highest_level_wins_then_the_shorter_path_then_the_smaller_source():
    own = {
        1: Own(RESTRICTED, HEALTH),
        2: Own(CONFIDENTIAL, EMAIL),
        3: Own(RESTRICTED, EMAIL),
        4: Own(RESTRICTED, EMAIL),
    }
    assert spread([hop(1, 9), hop(9, 10), hop(2, 10)], own)[10].source == 1
    assert spread([hop(1, 9), hop(9, 10), hop(3, 10)], own)[10].source == 3
    assert spread([hop(4, 10), hop(3, 10)], own)[10].source == 3


def test_a_level_that_came_as_it_was_beats_one_to_be_reviewed():
    found = spread([hop(1, 9, Kind.AGGREGATION), hop(1, 2), hop(2, 3), hop(3, 9)], {1: Own(RESTRICTED, HEALTH)})
    assert (found[9].via, found[9].category, found[9].aggregated) == (3, HEALTH, False)


def test_what_a_person_decided_of_a_column_is_what_travels_on():
    found = spread([hop(1, 2), hop(2, 3)], {1: Own(RESTRICTED, HEALTH), 2: Own(INTERNAL, None, decided=True)})
    assert (found[2].rank, found[2].inherited) == (INTERNAL, False)
    assert (found[3].rank, found[3].source) == (INTERNAL, 2)


def test_what_no_person_put_is_raised_by_what_reaches_it():
    found = spread([hop(1, 2)], {1: Own(RESTRICTED, HEALTH), 2: Own(INTERNAL)})
    assert (found[2].rank, found[2].inherited) == (RESTRICTED, True)


def test_a_cycle_ends_and_nothing_keeps_itself_alive_in_it():
    cycle = [hop(2, 3), hop(3, 4), hop(4, 2)]
    found = spread([hop(1, 2), *cycle], {1: Own(RESTRICTED)})
    assert {column: one.hops for column, one in found.items()} == {1: 0, 2: 1, 3: 2, 4: 3}
    after = respread([2], Memory(cycle, {1: Own(RESTRICTED)}, found))
    assert after == {2: None, 3: None, 4: None}


def test_a_masking_that_would_lower_a_level_is_held_where_the_level_is_lost_first():
    own = {1: Own(RESTRICTED, HEALTH), 5: Own(RESTRICTED)}
    before = spread([hop(1, 2), hop(2, 3)], own)
    now = spread([hop(2, 3)], own)
    # Column 3 had been masked from 5 all along: it falls only because 2 does.
    masking = [hop(1, 2, Kind.MASKING), hop(5, 3, Kind.MASKING)]
    assert to_hold(fell={2: before[2], 3: before[3]}, now=now, masking=masking) == {(1, 2, JOB)}
    held = spread([hop(1, 2, Kind.HELD), hop(2, 3)], own)
    assert (held[3].rank, held[3].held, held[3].category) == (RESTRICTED, True, HEALTH)


def test_a_masking_is_believed_where_it_lowers_nothing_that_holds():
    own = {1: Own(INTERNAL), 2: Own(RESTRICTED)}
    was = {3: Carried(RESTRICTED, 1, 1, 1, JOB, None)}
    # The label was lowered at its source; the lineage is gone altogether; what is masked was never carried.
    assert to_hold(fell=was, now=spread([], own), masking=[hop(1, 3, Kind.MASKING)]) == set()
    assert to_hold(fell=was, now=spread([], {1: Own(RESTRICTED)}), masking=[]) == set()
    higher = {3: Carried(INTERNAL, 1, 1, 1, JOB, None)}
    assert to_hold(fell=higher, now=spread([], own), masking=[hop(2, 3, Kind.MASKING)]) == set()


class Memory:
    """Lineage and labels at hand, with what was carried before they changed."""

    def __init__(self, edges: Iterable[Edge], own: dict[int, Own], before: dict[int, Carried]) -> None:
        self._edges, self._own, self._before = list(edges), own, before

    def into(self, columns: Collection[int]) -> list[Edge]:
        return [edge for edge in self._edges if edge.downstream in columns]

    def out_of(self, columns: Collection[int]) -> list[Edge]:
        return [edge for edge in self._edges if edge.upstream in columns]

    def own(self, columns: Collection[int]) -> dict[int, Own]:
        return {column: self._own[column] for column in columns if column in self._own}

    def carried(self, columns: Collection[int]) -> dict[int, Carried]:
        return {column: self._before[column] for column in columns if column in self._before}

    def carried_through(self, columns: Collection[int]) -> dict[int, Carried]:
        found = set(columns)
        while more := {column for column, one in self._before.items() if one.via in found} - found:
            found |= more
        return self.carried(found)


# How long an example takes tells of what else the machine does.
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

columns = st.integers(1, 9)
edges = st.lists(
    st.builds(Edge, columns, columns, st.sampled_from(list(Kind)), st.integers(1, 3)).filter(
        lambda edge: edge.upstream != edge.downstream
    ),
    max_size=24,
    unique=True,
)
owns = st.dictionaries(
    columns, st.builds(Own, st.integers(1, 4), st.sampled_from([None, EMAIL, HEALTH]), st.booleans()), max_size=5
)


@at_any_speed
@given(st.data(), edges, owns)
def test_the_order_in_which_lineage_is_told_makes_no_difference(data, told, own):
    assert spread(data.draw(st.permutations(told)), own) == spread(told, own)


@at_any_speed
@given(edges, owns)
def test_each_column_carries_the_best_that_its_neighbours_do(told, own):
    found = spread(told, own)
    for column, one in found.items():
        if one.inherited:
            assert not (column in own and own[column].decided)
            assert found[one.via].source == one.source
            assert found[one.via].cost < one.cost
        else:
            assert (one.rank, one.source_category) == (own[column].rank, own[column].category)
    for edge in told:
        if edge.kind in (Kind.MASKING, Kind.INDIRECT) or edge.upstream not in found:
            continue
        if not (edge.downstream in own and own[edge.downstream].decided):
            assert found[edge.downstream].key <= over(edge, found[edge.upstream]).key


@at_any_speed
@given(edges, owns, columns, columns, columns)
def test_more_lineage_or_a_higher_label_never_lowers_anything(told, own, upstream, downstream, raised):
    before = spread(told, own)
    after = spread([*told, hop(upstream, downstream)] if upstream != downstream else told, own)
    higher = own[raised]._replace(rank=4) if raised in own else Own(4)
    for more in (after, spread(told, own | {raised: higher})):
        assert all(more[column].rank >= one.rank for column, one in before.items())


@at_any_speed
@given(edges, owns, edges, owns)
def test_following_a_change_gives_what_starting_again_does(told, own, told_now, own_now):
    before, after = spread(told, own), spread(told_now, own_now)
    changed = {edge.downstream for edge in set(told) ^ set(told_now)}
    changed |= {column for column in own.keys() | own_now.keys() if own.get(column) != own_now.get(column)}
    found = respread(changed, Memory(told_now, own_now, before))
    assert found == {
        column: after.get(column) for column in before.keys() | after.keys() if before.get(column) != after.get(column)
    }


@at_any_speed
@given(edges, owns, st.integers(0, 23), columns, st.integers(1, 4))
def test_a_small_change_is_followed_too(told, own, dropped, relabelled, rank):
    before = spread(told, own)
    told_now = [edge for place, edge in enumerate(told) if place != dropped]
    own_now = own | {relabelled: Own(rank, EMAIL)}
    changed = {edge.downstream for edge in set(told) ^ set(told_now)} | {relabelled}
    after = spread(told_now, own_now)
    found = respread(changed, Memory(told_now, own_now, before))
    assert {column: one for column, one in (before | found).items() if one} == after
