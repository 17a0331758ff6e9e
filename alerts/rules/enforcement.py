"""What sources allow and refuse: findings that nobody approved, plans that wait, sources that cannot be compared."""

from __future__ import annotations

from access.enforcement.events import DriftFound, EnforcementFailed, EnforcementRecovered, PlanWaits
from alerts.abouts import SOURCE_RIGHTS
from alerts.kinds import Kind
from alerts.receivers import administrators, stewards_of_source
from alerts.registry import alert_on

alert_on(
    DriftFound,
    kind=Kind.DRIFT,
    about=SOURCE_RIGHTS,
    id="source_id",
    to=(stewards_of_source, administrators),
    sentence="In {source} rights were found that nobody approved: {count}. Look at them, then adopt or take away each.",
)
alert_on(
    PlanWaits,
    kind=Kind.ENFORCEMENT,
    about=SOURCE_RIGHTS,
    id="source_id",
    to=(stewards_of_source, administrators),
    once=True,
    sentence="{steps} changes of rights in {source} wait for somebody to confirm them.",
)
alert_on(
    EnforcementFailed,
    kind=Kind.ENFORCEMENT,
    about=SOURCE_RIGHTS,
    id="source_id",
    to=(stewards_of_source, administrators),
    sentence="Rights in {source} could not be compared with what was approved, so none were given or taken.",
)
alert_on(
    EnforcementRecovered,
    kind=Kind.ENFORCEMENT,
    about=SOURCE_RIGHTS,
    id="source_id",
    to=(stewards_of_source, administrators),
    sentence="Rights in {source} are compared and carried out again.",
)
