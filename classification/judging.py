"""What detectors say of stored columns: by name alone, or with values that somebody holds for a moment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.models import Dataset
from classification.detectors import Rules, TableSketch, Verdict, classify
from classification.models import RuleSet
from classification.rules import rules_of
from classification.ruling_out import RuledOut, ruled_out_in
from classification.sketching import Sketched, sketches_of

_DIMENSIONS = re.compile(r"(\[\d*\])+$")

Values = Mapping[int, Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Judge:
    """The sketches of some datasets, and the rules that hold in each: read once, asked dataset by dataset."""

    sketches: Mapping[int, Sketched]
    rules: Rules
    ruled_out: Mapping[int, RuledOut]

    @classmethod
    def of(cls, dataset_ids: Collection[int], rule_set: RuleSet) -> Judge:
        """A fixed number of statements, however many datasets there are."""
        datasets = Dataset.objects.filter(pk__in=dataset_ids).only("domain_id", "source_id")
        return cls(sketches_of(dataset_ids), rules_of(rule_set), ruled_out_in(datasets))

    def verdicts(self, dataset_id: int, values: Values | None = None) -> dict[int, Verdict]:
        """One verdict for each standing field of the dataset, by its id. `values` are text, by field id; none is kept."""
        sketched = self.sketches.get(dataset_id)
        if sketched is None:
            return {}
        table = sketched.table if values is None else _with_values(sketched, values)
        here = replace(self.rules, negatives=self.ruled_out[dataset_id].as_detectors_take_them())
        return dict(zip(sketched.field_ids, classify(table, here), strict=True))


def _with_values(sketched: Sketched, values: Values) -> TableSketch:
    columns = [
        # The values of an array are its elements.
        replace(column, values=values[pk], type=_DIMENSIONS.sub("", column.type)) if pk in values else column
        for pk, column in zip(sketched.field_ids, sketched.table.columns, strict=True)
    ]
    return replace(sketched.table, columns=columns)
