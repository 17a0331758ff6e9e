from __future__ import annotations

from django.urls import path

from alerts import views

app_name = "alerts"

urlpatterns = [
    path("notifications/", views.notification_list, name="list"),
    path("notifications/read/", views.read_all, name="read_all"),
    path("notifications/preferences/", views.preferences, name="preferences"),
    path("notifications/<int:notification_id>/", views.open_notification, name="open"),
    path("notifications/<int:notification_id>/read/", views.read_one, name="read"),
    path("datasets/<int:dataset_id>/follow/", views.follow_dataset, name="follow"),
    path("datasets/<int:dataset_id>/unfollow/", views.unfollow_dataset, name="unfollow"),
]
