from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        autodiscover_modules("events", "handlers")
        post_migrate.connect(_grant_runtime_role, sender=self)


def _grant_runtime_role(using: str, **_: Any) -> None:
    from audit.runtime_role import grant

    grant(using)
