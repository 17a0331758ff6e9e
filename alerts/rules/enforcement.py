"""What sources allow and refuse: findings that nobody approved, plans that wait, sources that cannot be compared; and as
whom people log in there."""

from __future__ import annotations

from access.enforcement.events import (
    DriftFound,
    EnforcementFailed,
    EnforcementRecovered,
    LoginNamed,
    LoginTaken,
    PlanWaits,
)
from alerts.abouts import OWN_ACCESS, SOURCE_RIGHTS
from alerts.kinds import Kind
from alerts.receivers import administrators, people_listed_themselves, people_themselves, stewards_of_source
from alerts.registry import alert_on

alert_on(
    DriftFound,
    kind=Kind.DRIFT,
    about=SOURCE_RIGHTS,
    id="source_id",
    to=(stewards_of_source, administrators),
    sentence="In {source} rights were found that nobody approved: {count} then. For each that is still open see the statements"
    " that end it, adopt it as a grant, or accept it.",
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
alert_on(
    LoginNamed,
    kind=Kind.MY_ACCESS,
    about=OWN_ACCESS,
    id="",
    to=people_themselves("person_id"),
    sentence="{actor} named {login} as your login in {source}. What you are granted there is given to it.",
    variant="person",
)
alert_on(
    LoginNamed,
    kind=Kind.MY_ACCESS,
    about=OWN_ACCESS,
    id="",
    to=people_listed_themselves("concerned_ids"),
    sentence="{actor} named {login}, to which you were granted access in {source}, as the login of {person}.",
    variant="others",
)
alert_on(
    LoginTaken,
    kind=Kind.MY_ACCESS,
    about=OWN_ACCESS,
    id="",
    to=people_themselves("person_id"),
    sentence="{actor} took {login}, your login in {source}, away. What you are granted there waits for another.",
    variant="person",
)
alert_on(
    LoginTaken,
    kind=Kind.MY_ACCESS,
    about=OWN_ACCESS,
    id="",
    to=people_listed_themselves("concerned_ids"),
    sentence="{actor} took {login}, to which you were granted access in {source}, from {person}.",
    variant="others",
)
