"""The state is a function of the set of events, whoever folds them at the same time and wherever one of them dies.

Which worker executes its next statement, and at which statement one dies, are drawn with the events.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from accounts.models import ApiToken
from catalog.models import Dataset
from lineage.draining import drain
from lineage.merging import decide_same
from lineage.models import DirtyDataset, JobDataset, PendingEvent, SetAsideEvent
from tests.factories import person, pipeline
from tests.lineage.events import NAMESPACE, dataset, dataset_event, run_event
from tests.lineage.generated import UNHURRIED, generated_events, log, token_of
from tests.lineage.state import folded_state, forget
from tests.lineage.turns import Worker, play
from tests.thoroughness import examples

pytestmark = pytest.mark.django_db(transaction=True)


class Folder(NamedTuple):
    """A worker: its batches' sizes, drain by drain, and after how many statements it dies, life by life."""

    sizes: Sequence[int]
    dies_after: Sequence[int]

    def work(self) -> None:
        for size in self.sizes:
            drain(seconds=600, batch_size=size)


_folders = st.builds(
    Folder, st.lists(st.integers(1, 5), min_size=1, max_size=3), st.lists(st.integers(0, 90), max_size=2)
)
_shown = {
    "events": st.lists(generated_events(), min_size=1, max_size=10),
    "seed": st.integers(0, 2**32),
    "late": st.integers(0, 6),
    "folders": st.lists(_folders, min_size=2, max_size=3),
    "turns": st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=12),
}


def check_folds_at_once(
    events: list[dict[str, Any]], seed: int, late: int, folders: list[Folder], turns: list[tuple[int, int]]
) -> None:
    """Fold the events at once, in one batch; then with duplicates and in another order, by these folders in these turns.

    The last `late` of them come into the log meanwhile.
    """
    token = ApiToken.objects.first() or token_of(pipeline())
    forget()
    _write(events, token)
    drain()
    expected = folded_state()
    forget()
    shuffled = [*events, *random.Random(seed).choices(events, k=len(events) // 2)]
    random.Random(seed).shuffle(shuffled)
    early = max(len(shuffled) - late, 0)
    _write(shuffled[:early], token)
    workers = [Worker(folder.work, folder.dies_after) for folder in folders]
    play([*workers, Worker(partial(_write, shuffled[early:], token))], turns)
    deaths = sum(worker.deaths for worker in workers)
    event(f"deaths: {deaths}")
    drain()
    assert not PendingEvent.objects.exists() and not SetAsideEvent.objects.exists()
    assert not DirtyDataset.objects.exists()
    assert folded_state() == expected


def _write(events: Sequence[dict[str, Any]], token: ApiToken) -> None:
    for one in events:
        log(one, token)


_FORMER = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": NAMESPACE, "name": "b"}}


@pytest.mark.parametrize(
    ("told", "merged"),
    [
        (run_event("COMPLETE", inputs=["b"]), {"b"}),
        (dataset_event(dataset("c", lifecycleStateChange=_FORMER)), {"b", "c"}),
    ],
    ids=["a new job reads what is merged", "another name of it is told"],
)
def test_a_fold_that_passes_a_merge_at_any_of_its_statements_sees_it_or_is_seen(db, told, merged):
    token, admin = token_of(pipeline()), person("Ada", administrator=True)
    for turns in count():
        forget()
        _write([dataset_event(dataset("a")), dataset_event(dataset("b"))], token)
        drain()
        _write([told], token)
        first, second = (Dataset.objects.get(qualified_name=name) for name in "ab")
        merge = Worker(partial(decide_same, first=first, second=second, same=True, by=admin))
        play([merge, Worker(drain)], [(0, turns), (1, 300)])
        drain()
        assert set(Dataset.objects.filter(merged_into=first).values_list("qualified_name", flat=True)) == merged
        assert {link.dataset_id for link in JobDataset.objects.all()} <= {first.pk}
        if merge.turns <= turns:
            break
    assert turns > 10


@given(**_shown)
@settings(max_examples=examples(24), deadline=None, suppress_health_check=UNHURRIED)
def test_folds_in_any_turns_that_die_anywhere_give_the_state_of_one_fold(db, events, seed, late, folders, turns):
    check_folds_at_once(events, seed, late, folders, turns)


@pytest.mark.long
@given(**_shown)
@settings(max_examples=200, deadline=None, suppress_health_check=UNHURRIED)
def test_folds_in_any_turns_give_the_state_of_one_fold_at_length(db, events, seed, late, folders, turns):
    check_folds_at_once(events, seed, late, folders, turns)
