from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audit.events import Event, Subject, event


@event("accounts.token_created", "created the token {token} for {principal}, for {scopes}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreated(Event):
    token_id: int
    token: str
    principal_id: int
    principal: str
    scopes: list[str]
    namespaces: list[str]
    expires_at: str | None

    def subjects(self) -> Iterable[Subject]:
        return [Subject("token", self.token_id), Subject("principal", self.principal_id)]


@event("accounts.token_revoked", "revoked the token {token} of {principal}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    token_id: int
    token: str
    principal_id: int
    principal: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("token", self.token_id), Subject("principal", self.principal_id)]


@event("accounts.person_added", "added {username}", personal=["username", "email"])
@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAdded(Event):
    principal_id: int
    username: str
    email: str
    administrator: bool

    def subjects(self) -> Iterable[Subject]:
        return [Subject("principal", self.principal_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Event):
    principal_id: int
    person: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("principal", self.principal_id)]


@event("accounts.account_closed", "closed the account of {person}", personal=["person"])
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed(AccountEvent):
    pass


@event("accounts.account_reopened", "opened the account of {person} again", personal=["person"])
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReopened(AccountEvent):
    pass
