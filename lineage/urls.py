"""Jobs and runs, names and lives of datasets, and the intake (with and without a slash: a POST is never redirected)."""

from django.urls import path

from lineage import dataset_views, intake_views, views

app_name = "lineage"

urlpatterns = [
    path("jobs/", views.job_list, name="job_list"),
    path("jobs/<int:job_id>/", views.job_page, name="job"),
    path("jobs/rejected/", views.rejected_events, name="rejected"),
    path("jobs/runs/", views.run_list, name="run_list"),
    path("jobs/runs/<uuid:run_id>/", views.run_page, name="run"),
    path("datasets/<int:dataset_id>/names/", dataset_views.names_page, name="names"),
    path("datasets/<int:dataset_id>/separate/", dataset_views.separate_page, name="separate"),
    path("datasets/<int:dataset_id>/merge/<int:other_id>/", dataset_views.merge_page, name="merge"),
    path("datasets/<int:dataset_id>/life/", dataset_views.life_page, name="life"),
    path("api/v1/lineage", intake_views.lineage, name="intake"),
    path("api/v1/lineage/", intake_views.lineage),
    path("api/v1/lineage/batch", intake_views.lineage, name="intake_batch"),
    path("api/v1/lineage/batch/", intake_views.lineage),
]
