"""What a rejection that is made a rule would withdraw, told before anybody makes it. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from accounts.models import Principal
from classification.actions.ruling_out import Ruled, ruled, suggestions_ruled_out
from classification.models import Label, NegativeRule
from classification.permissions import check_can_rule_out

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What one rule would withdraw beyond what was chosen: of the columns that the reader sees."""

    rule: Ruled
    category: str
    count: int
    datasets: int
    sample: Sequence[Label]

    @property
    def more(self) -> int:
        return self.count - len(self.sample)


def withdrawn_by(*, labels: Sequence[Label], scope: NegativeRule.Scope, by: Principal) -> list[Withdrawal]:
    """What each rule would withdraw that rejecting these suggestions in this scope makes; two statements a rule.

    The suggestions themselves are not counted. Raises `Forbidden` and `Invalid` as making the rules would.
    """
    check_can_rule_out(by, scope, [label.dataset for label in labels])
    chosen = [label.pk for label in labels]
    names = {label.category_id: str(label.category) for label in labels}
    found = []
    for rule in ruled(labels, scope):
        others = suggestions_ruled_out([rule]).visible_to(by).exclude(pk__in=chosen)
        told = others.aggregate(count=Count("pk"), datasets=Count("dataset", distinct=True))
        sample = list(others.select_related("dataset", "field").order_by("confidence", "pk")[:SAMPLE])
        found.append(Withdrawal(rule, names[rule.category], told["count"], told["datasets"], sample))
    return found
