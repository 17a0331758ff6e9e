"""Where everything is. Rooms keep their own URLs; the order here is that of the navigation."""

from django.contrib import admin
from django.urls import include, path

from common.gallery import gallery
from config.access import for_administrators
from config.health import healthz, readyz
from config.metrics import Metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("", include("portal.urls")),
    path("", include("catalog.urls")),
    path("", include("ingestion.urls")),
    path("api/v1/", include("lineage.marquez.urls")),
    path("", include("lineage.urls")),
    path("", include("classification.urls")),
    path("", include("access.decision_point.urls")),
    path("access/", include("access.urls")),
    path("", include("alerts.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v2/", include("portal.rest_urls")),
    path("admin/", admin.site.urls),
    path("style/", for_administrators(gallery), name="gallery"),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
