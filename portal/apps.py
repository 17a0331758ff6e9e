from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # drf-spectacular knows the extensions that are imported before it first describes.
        from portal import openapi  # noqa: F401
