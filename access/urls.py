from __future__ import annotations

from django.urls import path

from access import views

app_name = "access"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("request/", views.request_create, name="request_create"),
    path("requests/<int:request_id>/", views.request_detail, name="request"),
    path("requests/<int:request_id>/approve/", views.request_approve, name="request_approve"),
    path("requests/<int:request_id>/deny/", views.request_deny, name="request_deny"),
    path("requests/<int:request_id>/cancel/", views.request_cancel, name="request_cancel"),
    path("grants/<int:grant_id>/revoke/", views.grant_revoke, name="grant_revoke"),
]
