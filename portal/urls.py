from __future__ import annotations

from django.urls import path, re_path

from portal.views import audit, browse, dataset, explorer, held, home, impact, search

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.search_page, name="search"),
    path("search/suggest/", search.suggest, name="suggest"),
    path("search/export.csv", search.export, name="search_export"),
    path("browse/", browse.browse, name="browse"),
    path("datasets/<int:dataset_id>/", dataset.dataset_page, name="dataset"),
    re_path(
        r"^datasets/(?P<dataset_id>[0-9]{1,18})/(?P<tab>schema|lineage|profile|quality|access|activity)/$",
        dataset.dataset_tab,
        name="dataset_tab",
    ),
    path("datasets/<int:dataset_id>/lineage/picture.json", explorer.picture, name="lineage_picture"),
    path("datasets/<int:dataset_id>/lineage/columns.json", explorer.columns, name="lineage_columns"),
    path("datasets/<int:dataset_id>/lineage/datasets/<int:node_id>/", explorer.node, name="lineage_node"),
    path("datasets/<int:dataset_id>/lineage/connection/", explorer.connection, name="lineage_connection"),
    path("datasets/<int:dataset_id>/lineage/targets/", explorer.targets, name="lineage_targets"),
    path("datasets/<int:dataset_id>/lineage.csv", explorer.export, name="lineage_file"),
    path("datasets/<int:dataset_id>/impact/", impact.impact_page, name="impact"),
    path("datasets/<int:dataset_id>/impact.csv", impact.impact_file, name="impact_file"),
    path("datasets/<int:dataset_id>/fields/<int:field_id>/", dataset.field_page, name="field"),
    path("held/", held.held, name="held_special"),
    path("held/<slug:group>/", held.held, name="held"),
    path("held/<slug:group>/columns.csv", held.held_file, name="held_file"),
    path("audit/", audit.audit_log, name="audit"),
]
