from django.contrib.admin.apps import AdminConfig


class RecordedAdminConfig(AdminConfig):
    """Django's administration on a site that records what is written there: `config.admin`."""

    default_site = "config.admin.RecordedSite"
