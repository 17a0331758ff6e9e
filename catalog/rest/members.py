"""Find whom a request names: the same people and groups as on the pages."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from catalog.forms import MemberField, member_values
from common.errors import Invalid


def member_called(text: str) -> dict[str, Any]:
    """The person or group as the actions take it. Raises `Invalid` where nobody or more than one has the name."""
    try:
        member = MemberField().clean(text)
    except ValidationError as error:
        raise Invalid("Name one person or group.", {"member": list(error.messages)}) from None
    if member is None:
        raise Invalid("Name one person or group.", {"member": ["name somebody"]})
    return member_values(member)
