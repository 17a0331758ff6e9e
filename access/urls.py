from __future__ import annotations

from django.urls import path

from access import (
    campaign_views,
    delegation_views,
    emergency_views,
    people_views,
    policy_views,
    readers_views,
    terms_views,
    views,
)

app_name = "access"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("yours/", views.own, name="own"),
    path("request/", views.request_create, name="request_create"),
    path("requests/<int:request_id>/", views.request_detail, name="request"),
    path("requests/<int:request_id>/approve/", views.request_approve, name="request_approve"),
    path("requests/<int:request_id>/deny/", views.request_deny, name="request_deny"),
    path("requests/<int:request_id>/cancel/", views.request_cancel, name="request_cancel"),
    path("grants/<int:grant_id>/revoke/", views.grant_revoke, name="grant_revoke"),
    path("datasets/<int:dataset_id>/emergency/", emergency_views.emergency_open, name="emergency_open"),
    path("emergencies/<int:review_id>/", emergency_views.emergency_review, name="emergency_review"),
    path("delegations/", delegation_views.delegations, name="delegations"),
    path("delegations/<int:delegation_id>/end/", delegation_views.delegation_end, name="delegation_end"),
    path("terms/", terms_views.terms_list, name="terms"),
    path("terms/add/", terms_views.terms_add, name="terms_add"),
    path("terms/<slug:slug>/<int:number>/", terms_views.terms_version, name="terms_version"),
    path("terms/<slug:slug>/<int:number>/revise/", terms_views.terms_revise, name="terms_revise"),
    path("terms/<slug:slug>/<int:number>/retire/", terms_views.terms_retire, name="terms_retire"),
    path("recertification/", campaign_views.campaigns, name="campaigns"),
    path("recertification/add/", campaign_views.campaign_add, name="campaign_add"),
    path("recertification/<int:campaign_id>/", campaign_views.campaign, name="campaign"),
    path("recertification/<int:campaign_id>/stop/", campaign_views.campaign_stop, name="campaign_stop"),
    path("people/", people_views.people, name="people"),
    path("people/<int:principal_id>/", people_views.person, name="person"),
    path("people/<int:principal_id>/reopen/", people_views.person_reopen, name="person_reopen"),
    path("policies/", policy_views.policy_list, name="policies"),
    path("policies/add/", policy_views.policy_add, name="policy_add"),
    path("policies/<int:policy_id>/", policy_views.policy_detail, name="policy"),
    path("policies/<int:policy_id>/edit/", policy_views.policy_edit, name="policy_edit"),
    path("policies/<int:policy_id>/preview/", policy_views.policy_preview, name="policy_preview"),
    path("policies/<int:policy_id>/publish/", policy_views.policy_publish, name="policy_publish"),
    path("policies/<int:policy_id>/end/", policy_views.policy_end, name="policy_end"),
    path("policies/<int:policy_id>/discard/", policy_views.policy_discard, name="policy_discard"),
    path("datasets/<int:dataset_id>/readers/", readers_views.readers, name="readers"),
    path("datasets/<int:dataset_id>/readers.csv", readers_views.readers_file, name="readers_file"),
    path("people/<int:principal_id>/reads/", readers_views.reads, name="reads"),
    path("people/<int:principal_id>/reads.csv", readers_views.reads_file, name="reads_file"),
]
