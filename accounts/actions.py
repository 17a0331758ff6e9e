"""Write who acts: people and tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.events import AccountClosed, AccountReopened, PersonAdded, TokenCreated, TokenRevoked
from accounts.models import ApiToken, Principal, User
from accounts.permissions import check_can_manage_tokens_of, check_is_administrator
from accounts.sessions import end_sessions
from accounts.tokens import OF_PROGRAMS, Issued, Scope, mint
from audit.events import Event
from audit.recording import record, record_many
from common.errors import Conflict, Invalid

MAX_NAME = 150
"""Characters of a pipeline's or token's name, as their columns hold them."""


@transaction.atomic
def add_person(
    *,
    username: str,
    email: str,
    password: str,
    by: Principal,
    full_name: str = "",
    administrator: bool = False,
) -> User:
    """Create a person who can sign in. Raises `Invalid` for a weak password and `Conflict` for a name already taken."""
    check_is_administrator(by)
    try:
        validate_password(password, User(username=username, email=email))
    except ValidationError as error:
        raise Invalid("Choose another password.", {"password": error.messages}) from None
    first, _, last = full_name.partition(" ")
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username,
                email,
                password,
                first_name=first,
                last_name=last,
                is_staff=administrator,
                is_superuser=administrator,
            )
    except IntegrityError:
        raise Conflict(f"There is already a person called {username} or with the address {email}.") from None
    record(
        PersonAdded(principal_id=user.principal.pk, username=username, email=email, administrator=administrator),
        by=by,
    )
    return user


@transaction.atomic
def close_accounts(*, people: Sequence[Principal], by: Principal) -> None:
    """Let these people neither sign in nor act: their sessions and tokens end. What else they have is not touched.

    Raises `Conflict` for one's own account and for the last administrator's. The number of statements is fixed, beside
    those that read sessions.
    """
    check_is_administrator(by)
    if any(person.pk == by.pk for person in people):
        raise Conflict("You cannot close your own account. Ask another administrator.")
    if any(person.kind != Principal.Kind.PERSON for person in people):
        raise Conflict("Only people have accounts. Revoke the tokens of a pipeline or service instead.")
    ids, now = [person.pk for person in people], timezone.now()
    closing = [person for person in people if person.is_active]
    administrators = User.objects.filter(is_superuser=True, is_active=True, principal__disabled_at__isnull=True)
    # Two who close each other's account at the same moment wait here for each other.
    locked = {user.pk for user in administrators.select_for_update(of=("self",)).order_by("pk")}
    if closing and locked <= {person.user_id for person in people}:
        raise Conflict("This is the last administrator. Make somebody else one first.")
    User.objects.filter(principal__in=ids).update(is_active=False)
    Principal.objects.filter(pk__in=ids, disabled_at__isnull=True).update(disabled_at=now)
    end_sessions(people)
    tokens = list(ApiToken.objects.filter(principal__in=ids, revoked_at__isnull=True).select_related("principal__user"))
    ApiToken.objects.filter(pk__in=[token.pk for token in tokens]).update(revoked_at=now)
    events: list[Event] = [AccountClosed(principal_id=person.pk, person=str(person)) for person in closing]
    record_many([*events, *map(_revoked, tokens)], by=by)


@transaction.atomic
def reopen_account(*, person: Principal, by: Principal) -> None:
    """Let somebody sign in again. Nothing that they had comes back by it."""
    check_is_administrator(by)
    if person.is_active:
        raise Conflict("This account is open.")
    User.objects.filter(principal=person).update(is_active=True)
    Principal.objects.filter(pk=person.pk).update(disabled_at=None)
    record(AccountReopened(principal_id=person.pk, person=str(person)), by=by)


def pipeline_principal(name: str) -> Principal:
    """The pipeline of this name, made at its first token. Raises `Invalid` for a name that cannot be one."""
    name = _checked_name(name)
    principal, _ = Principal.objects.get_or_create(kind=Principal.Kind.PIPELINE, name=name)
    return principal


def _checked_name(name: str) -> str:
    """The name of a pipeline or token without the spaces around it; raises `Invalid` where nothing or too much is left."""
    name = name.strip()
    if not name:
        raise Invalid("Give the token a name that tells what it is for.", {"name": ["is empty"]})
    if len(name) > MAX_NAME:
        raise Invalid(f"Choose a name of at most {MAX_NAME} characters.", {"name": [f"at most {MAX_NAME} characters"]})
    if "\x00" in name:
        raise Invalid("Leave the NUL character out of the name.", {"name": ["holds a NUL character"]})
    return name


@transaction.atomic
def create_token(
    *,
    principal: Principal,
    name: str,
    scopes: Sequence[str],
    by: Principal,
    namespaces: Sequence[str] = (),
    expires_at: dt.datetime | None = None,
) -> Issued:
    """Issue a token; its text is in the result and nowhere else.

    Raises `Invalid` for an empty or overlong name, unknown scopes or a past expiry, `Conflict` for a name in use.
    """
    check_can_manage_tokens_of(by, principal)
    name = _checked_name(name)
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        known = ", ".join(Scope)
        raise Invalid(f"Choose scopes among {known}.", {"scopes": [f"unknown: {', '.join(unknown) or 'none given'}"]})
    if principal.kind == Principal.Kind.PERSON and OF_PROGRAMS & set(scopes):
        raise Invalid(
            "A token that asks what others may do belongs to a service or pipeline, never to a person.",
            {"scopes": [f"not for a person: {', '.join(sorted(OF_PROGRAMS & set(scopes)))}"]},
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("Choose an expiry in the future.", {"expires_at": ["in the past"]})
    try:
        with transaction.atomic():
            issued = mint(
                principal=principal,
                name=name,
                scopes=scopes,
                by=by,
                namespaces=namespaces,
                expires_at=expires_at,
            )
    except IntegrityError:
        raise Conflict(
            f"{principal} already has a token called {name}. Revoke it first or choose another name."
        ) from None
    record(
        TokenCreated(
            token_id=issued.token.pk,
            token=str(issued.token),
            principal_id=principal.pk,
            principal=str(principal),
            scopes=list(issued.token.scopes),
            namespaces=list(namespaces),
            expires_at=expires_at.isoformat() if expires_at else None,
        ),
        by=by,
    )
    return issued


@transaction.atomic
def revoke_token(*, token: ApiToken, by: Principal) -> None:
    """End a token at once. Revoking twice is one revocation."""
    check_can_manage_tokens_of(by, token.principal)
    if not ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        return
    record(_revoked(token), by=by)


def _revoked(token: ApiToken) -> TokenRevoked:
    return TokenRevoked(
        token_id=token.pk,
        token=str(token),
        principal_id=token.principal_id,
        principal=str(token.principal),
    )
