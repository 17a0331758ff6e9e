"""Jobs and runs, the graph of a dataset, and the intake of events (with and without a slash: a POST is never redirected)."""

from django.urls import path

from lineage import intake_views

app_name = "lineage"

urlpatterns = [
    path("api/v1/lineage", intake_views.lineage, name="intake"),
    path("api/v1/lineage/", intake_views.lineage),
    path("api/v1/lineage/batch", intake_views.lineage_batch, name="intake_batch"),
    path("api/v1/lineage/batch/", intake_views.lineage_batch),
]
