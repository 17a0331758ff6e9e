"""Write who acts: people and tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.events import PersonAdded, TokenCreated, TokenRevoked
from accounts.models import ApiToken, Principal, User
from accounts.permissions import check_can_manage_tokens_of, check_is_administrator
from accounts.tokens import OF_PROGRAMS, Issued, Scope, mint
from audit.recording import record
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
    record(
        TokenRevoked(
            token_id=token.pk,
            token=str(token),
            principal_id=token.principal_id,
            principal=str(token.principal),
        ),
        by=by,
    )
