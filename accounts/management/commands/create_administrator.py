from __future__ import annotations

import json
import secrets
from typing import Any

from django.core.management.base import CommandParser

from accounts.actions import add_person
from accounts.models import Principal, User
from common.management.answering import AnsweringCommand


class Command(AnsweringCommand):
    help = "Create an administrator where there is none, and print the password this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", default="admin")
        parser.add_argument("--email", default="admin@localhost.localdomain")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True, is_active=True).exists():
            answer = {"created": False}
            text = "There is an administrator already; nothing was changed."
        else:
            password = secrets.token_urlsafe(12)
            add_person(
                username=options["username"],
                email=options["email"],
                password=password,
                administrator=True,
                by=Principal.objects.system(),
            )
            answer = {"created": True, "username": options["username"], "password": password}  # type: ignore[dict-item]
            text = f"Administrator {options['username']}, password {password} (shown this once)."
        self.stdout.write(json.dumps(answer) if options["json"] else text)
