"""Jobs and runs, and the intake of events (with and without a slash: a POST is never redirected)."""

from django.urls import path

from lineage import intake_views, views

app_name = "lineage"

urlpatterns = [
    path("jobs/", views.job_list, name="job_list"),
    path("jobs/<int:job_id>/", views.job_page, name="job"),
    path("jobs/rejected/", views.rejected_events, name="rejected"),
    path("jobs/runs/", views.run_list, name="run_list"),
    path("jobs/runs/<uuid:run_id>/", views.run_page, name="run"),
    path("api/v1/lineage", intake_views.lineage, name="intake"),
    path("api/v1/lineage/", intake_views.lineage),
    path("api/v1/lineage/batch", intake_views.lineage, name="intake_batch"),
    path("api/v1/lineage/batch/", intake_views.lineage),
]
