"""Marquez's addresses, with and without a slash behind them: its web UI sends some of both."""

from __future__ import annotations

from django.urls import path, re_path

from lineage.marquez import views, write_views
from lineage.marquez.requests import answering

app_name = "marquez"

_run = r"^jobs/runs/(?P<run_id>[^/]+)"

urlpatterns = [
    path("lineage", views.lineage, name="lineage"),
    path("lineage/", views.lineage),
    re_path(r"^column-lineage/?$", answering(GET=views.column_lineage), name="column_lineage"),
    re_path(r"^runlineage/upstream/?$", answering(GET=views.upstream), name="upstream"),
    re_path(r"^events/lineage/?$", answering(GET=views.run_events), name="events"),
    re_path(r"^events/?$", answering(GET=views.all_events), name="all_events"),
    path("events/<path:namespace>", answering(GET=views.events_of), name="events_of"),
    re_path(r"^namespaces/?$", answering(GET=views.namespaces), name="namespaces"),
    path(
        "namespaces/<path:path>",
        answering(
            GET=views.in_namespace,
            PUT=write_views.put_in_namespace,
            POST=write_views.post_in_namespace,
            DELETE=write_views.delete_in_namespace,
        ),
        name="in_namespace",
    ),
    re_path(r"^sources/?$", answering(GET=views.sources), name="sources"),
    path("sources/<path:name>", answering(GET=views.source, PUT=write_views.put_source), name="source"),
    re_path(r"^jobs/?$", answering(GET=views.job_list), name="jobs"),
    re_path(_run + r"/?$", answering(GET=views.run), name="run"),
    re_path(_run + r"/facets/?$", answering(GET=views.run_facets), name="run_facets"),
    re_path(_run + r"/(?P<action>start|complete|fail|abort)/?$", answering(POST=write_views.mark_run), name="mark_run"),
    re_path(r"^tags/?$", answering(GET=views.tags), name="tags"),
    path("tags/<path:name>", answering(PUT=write_views.put_tag), name="tag"),
    re_path(r"^search/?$", answering(GET=views.search), name="search"),
    re_path(r"^stats/(?P<what>lineage-events|jobs|datasets|sources)/?$", answering(GET=views.stats), name="stats"),
]
