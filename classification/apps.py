from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClassificationConfig(AppConfig):
    name = "classification"

    def ready(self) -> None:
        post_migrate.connect(_synchronise, sender=self)


def _synchronise(**_: Any) -> None:
    from classification.shipping import synchronise_categories

    synchronise_categories()
