from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class RecordedAdminConfig(AdminConfig):
    """Django's administration on a site that records what is written there: `config.admin`."""

    default_site = "config.admin.RecordedSite"


class DocumentedApiConfig(AppConfig):
    """drf-spectacular without what it imports at the start, all of REST framework: 15 MB in each worker for a check."""

    name = "drf_spectacular"
