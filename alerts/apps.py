from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AlertsConfig(AppConfig):
    name = "alerts"

    def ready(self) -> None:
        import_module("alerts.rules")
        autodiscover_modules("alert_rules")
        from alerts.notifying import notify
        from alerts.registry import ruled_events
        from audit.handlers import handles

        handles(*ruled_events(), together=True)(notify)
