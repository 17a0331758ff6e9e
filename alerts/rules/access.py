"""Requests, grants, delegations, emergencies and recertifications."""

from __future__ import annotations

from access.enforcement.events import (
    GrantDrifted,
    GrantNotGiven,
    GrantNotRemoved,
    GrantSuspended,
    GrantVerified,
)
from access.events import (
    AccessRequested,
    CampaignClosed,
    CampaignStarted,
    DecisionsDelegated,
    DelegationEnded,
    EmergencyJustified,
    EmergencyMisused,
    EmergencyOpened,
    EmergencyReviewEscalated,
    GrantExpired,
    GrantRevoked,
    GrantUnconfirmed,
    RequestApproved,
    RequestApprovedByPolicy,
    RequestCancelled,
    RequestDenied,
    RequestEndorsed,
    RequestEscalated,
    RequestExpired,
)
from alerts.abouts import ACCOUNT, CAMPAIGN, GRANT, REQUEST
from alerts.events import GrantEndsSoon, RequestLapsesSoon
from alerts.kinds import Kind
from alerts.receivers import administrators, answerable, people, people_listed, people_themselves, reviewers
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
alert_on(
    RequestApprovedByPolicy,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="Your request for {columns} of {dataset} was granted at once, as a policy says, until {until}.",
    variant="requester",
)
alert_on(
    RequestApprovedByPolicy,
    kind=Kind.ACCESS_GIVEN,
    about=REQUEST,
    id="request_id",
    to=answerable,
    sentence="A policy granted {requester} {columns} of {dataset} without asking you, until {until}.",
    variant="answerable",
)
alert_on(
    EmergencyOpened,
    kind=Kind.REVIEW_WAITS,
    about=REQUEST,
    id="request_id",
    to=answerable,
    sentence="{requester} opened {columns} of {dataset} in an emergency, until {until}. Review whether it had to be.",
)
alert_on(
    EmergencyOpened,
    kind=Kind.ACCESS_GIVEN,
    about=REQUEST,
    id="request_id",
    to=administrators,
    sentence="{requester} opened {columns} of {dataset} in an emergency, until {until}.",
    variant="administrators",
)
alert_on(
    EmergencyReviewEscalated,
    kind=Kind.REVIEW_WAITS,
    about=REQUEST,
    id="request_id",
    to=administrators,
    sentence="Nobody reviewed what {requester} opened of {dataset} in an emergency. You may close the review.",
)
alert_on(
    EmergencyJustified,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="{actor} found that you had to open {columns} of {dataset} in an emergency.",
)
alert_on(
    EmergencyMisused,
    kind=Kind.MY_REQUEST,
    about=REQUEST,
    id="request_id",
    to=people("requester_id"),
    sentence="{actor} found that you should not have opened {columns} of {dataset}. The reason is on its page.",
)
alert_on(
    CampaignStarted,
    kind=Kind.REVIEW_WAITS,
    about=CAMPAIGN,
    id="campaign_id",
    to=people_listed("reviewer_ids"),
    sentence="The recertification “{campaign}” asks you who still needs access, until {due}.",
    tell_actor=True,
)
alert_on(
    CampaignClosed,
    kind=Kind.ACCESS_GIVEN,
    about=CAMPAIGN,
    id="campaign_id",
    to=people("started_by_id"),
    sentence="“{campaign}” is closed: {kept} grants kept, {removed} removed, {revoked} revoked and {flagged} kept unanswered.",
)
alert_on(
    GrantUnconfirmed,
    kind=Kind.ACCESS_GIVEN,
    about=GRANT,
    id="grant_id",
    to=answerable,
    sentence="Nobody confirmed in “{campaign}” that {holder} still needs {columns} of {dataset}. The grant stays.",
)
alert_on(
    GrantVerified,
    kind=Kind.MY_ACCESS,
    about=GRANT,
    id="grant_id",
    to=people("holder_id"),
    sentence="You can read {columns} of {dataset} in {source} now.",
)
alert_on(
    GrantSuspended,
    kind=Kind.ACCESS_GIVEN,
    about=GRANT,
    id="grant_id",
    to=answerable,
    sentence="{holder}'s access to {columns} of {dataset} is suspended: the account is closed.",
)
for failed, sentence in (
    (GrantNotGiven, "{holder} was granted {columns} of {dataset}, and it could not be given in {source}: {problem}"),
    (GrantDrifted, "{holder} no longer reads all that was granted of {dataset} in {source}: {problem}"),
    (
        GrantNotRemoved,
        "{holder}'s access to {columns} of {dataset} is over, and is not taken in {source} yet: {problem}",
    ),
):
    alert_on(
        failed,
        kind=Kind.ENFORCEMENT,
        about=GRANT,
        id="grant_id",
        to=(answerable, administrators),
        sentence=sentence,
    )
