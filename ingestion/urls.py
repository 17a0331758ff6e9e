from django.urls import path

from ingestion import views

app_name = "ingestion"
urlpatterns = [
    path("sources/", views.source_list, name="source_list"),
    path("sources/add/", views.source_add, name="source_add"),
    path("sources/<slug:slug>/", views.source_detail, name="source"),
    path("sources/<slug:slug>/connection/", views.source_connection, name="source_connection"),
    path("sources/<slug:slug>/connection/edit/", views.connection_edit, name="connection_edit"),
    path("sources/<slug:slug>/activity/", views.source_activity, name="source_activity"),
    path("sources/<slug:slug>/edit/", views.source_edit, name="source_edit"),
    path("sources/<slug:slug>/schedule/", views.source_schedule, name="source_schedule"),
    path("sources/<slug:slug>/crawl/", views.source_crawl, name="source_crawl"),
    path("runs/", views.run_list, name="run_list"),
    path("runs/<int:run_id>/", views.run_detail, name="run"),
    path("runs/<int:run_id>/cancel/", views.run_cancel, name="run_cancel"),
    path("runs/<int:run_id>/confirm/", views.run_confirm, name="run_confirm"),
]
