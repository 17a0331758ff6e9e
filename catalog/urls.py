from __future__ import annotations

from django.urls import path

from catalog import proposal_views, views

app_name = "catalog"

urlpatterns = [
    path("domains/", views.domain_list, name="domain_list"),
    path("domains/add/", views.domain_add, name="domain_add"),
    path("domains/<slug:slug>/", views.domain_page, name="domain"),
    path("domains/<slug:slug>/edit/", views.domain_edit, name="domain_edit"),
    path("domains/<slug:slug>/roles/", views.domain_grant, name="domain_grant"),
    path("domains/<slug:slug>/roles/<int:membership_id>/end/", views.domain_end_role, name="domain_end_role"),
    path("tags/", views.tag_list, name="tag_list"),
    path("tags/add/", views.tag_add, name="tag_add"),
    path("tags/<slug:slug>/rename/", views.tag_rename, name="tag_rename"),
    path("proposals/<int:proposal_id>/accept/", proposal_views.proposal_accept, name="proposal_accept"),
    path("proposals/<int:proposal_id>/decline/", proposal_views.proposal_decline, name="proposal_decline"),
    path("systems/", views.system_list, name="system_list"),
    path("systems/add/", views.system_add, name="system_add"),
    path("datasets/<int:dataset_id>/edit/description/", views.describe_dataset, name="describe_dataset"),
    path("datasets/<int:dataset_id>/edit/owners/", views.dataset_owners, name="dataset_owners"),
    path(
        "datasets/<int:dataset_id>/edit/owners/<int:ownership_id>/end/",
        views.end_ownership,
        name="end_ownership",
    ),
    path("datasets/<int:dataset_id>/edit/exceptions/", views.dataset_exceptions, name="dataset_exceptions"),
    path(
        "datasets/<int:dataset_id>/edit/exceptions/<int:exception_id>/end/", views.end_exception, name="end_exception"
    ),
    path("datasets/<int:dataset_id>/edit/tags/", views.dataset_tags, name="dataset_tags"),
    path("datasets/<int:dataset_id>/edit/tags/<slug:slug>/remove/", views.remove_tag, name="remove_tag"),
    path("datasets/<int:dataset_id>/edit/domain/", views.move_dataset, name="move_dataset"),
    path("datasets/<int:dataset_id>/fields/<int:field_id>/edit/", views.describe_field, name="describe_field"),
]
