"""Requests, grants and delegations."""

from __future__ import annotations

from access.events import (
    AccessRequested,
    DecisionsDelegated,
    DelegationEnded,
    GrantExpired,
    GrantRevoked,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestEndorsed,
    RequestEscalated,
    RequestExpired,
)
from alerts.abouts import ACCOUNT, GRANT, REQUEST
from alerts.events import GrantEndsSoon, RequestLapsesSoon
from alerts.kinds import Kind
from alerts.receivers import answerable, people, people_themselves, reviewers
from alerts.registry import alert_on

alert_on(
    AccessRequested,
    kind=Kind.REQUEST_WAITS,
    about=REQUEST,
    id="request_id",
    to=reviewers,
    sentence="{requester} asks for {columns} of {dataset}, and you may decide.",
)
alert_on(
    RequestEndorsed,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} was approved by one; {missing} more of {whom} must.",
    variant="requester",
)
alert_on(
    RequestEndorsed,
    kind=Kind.REQUEST_WAITS,
    about=REQUEST,
    id="request_id",
    to=reviewers,
    once=True,
    sentence="{requester} asks for {columns} of {dataset}. Others have approved, and you may decide.",
    variant="reviewers",
)
alert_on(
    RequestEscalated,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} has waited too long, so administrators may decide on it too.",
    variant="requester",
)
alert_on(
    RequestEscalated,
    kind=Kind.REQUEST_WAITS,
    about=REQUEST,
    id="request_id",
    to=reviewers,
    sentence="{requester}'s request for {columns} of {dataset} has waited too long. You may decide.",
    variant="reviewers",
)
alert_on(
    RequestLapsesSoon,
    kind=Kind.REQUEST_WAITS,
    about=REQUEST,
    id="request_id",
    to=reviewers,
    sentence="{requester}'s request for {columns} of {dataset} lapses on {until} unless somebody decides.",
)
alert_on(
    RequestApproved,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} was approved, until {until}.",
    variant="requester",
)
alert_on(
    RequestApproved,
    kind=Kind.ACCESS_GIVEN,
    about=REQUEST,
    id="request_id",
    to=answerable,
    sentence="{actor} approved {requester}'s request for {columns} of {dataset}, until {until}.",
    variant="answerable",
)
alert_on(
    RequestDenied,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} was refused. The reason is on its page.",
)
alert_on(
    RequestExpired,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} lapsed, since nobody decided on it in time.",
)
alert_on(
    RequestCancelled,
    kind=Kind.ACCESS_GIVEN,
    about=REQUEST,
    id="request_id",
    to=answerable,
    sentence="{requester} withdrew the request for {columns} of {dataset}.",
)
alert_on(
    GrantEndsSoon,
    kind=Kind.MY_ACCESS,
    about=GRANT,
    id="grant_id",
    to=people("holder_id"),
    sentence="Your access to {columns} of {dataset} ends on {until}. Ask again where you still need it.",
)
alert_on(
    GrantExpired,
    kind=Kind.MY_ACCESS,
    about=GRANT,
    id="grant_id",
    to=people("holder_id"),
    sentence="Your access to {columns} of {dataset} has ended, since its time is over.",
)
alert_on(
    GrantRevoked,
    kind=Kind.MY_ACCESS,
    about=GRANT,
    id="grant_id",
    to=people("holder_id"),
    sentence="Your access to {columns} of {dataset} was ended early. The reason is on its page.",
    variant="holder",
)
alert_on(
    GrantRevoked,
    kind=Kind.ACCESS_GIVEN,
    about=GRANT,
    id="grant_id",
    to=answerable,
    sentence="{actor} ended {holder}'s access to {columns} of {dataset}.",
    variant="answerable",
)
alert_on(
    DecisionsDelegated,
    kind=Kind.DELEGATION,
    about=ACCOUNT,
    id="",
    to=people_themselves("receiver_id", "giver_id"),
    sentence="{receiver} decides on requests in the place of {giver} until {until}.",
)
alert_on(
    DelegationEnded,
    kind=Kind.DELEGATION,
    about=ACCOUNT,
    id="",
    to=people_themselves("receiver_id", "giver_id"),
    sentence="{receiver} no longer decides on requests in the place of {giver}.",
)
