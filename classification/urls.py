from __future__ import annotations

from django.urls import path, re_path

from classification.views import categories, coverage, labels, levels, review

app_name = "classification"

urlpatterns = [
    path("levels/", levels.level_list, name="level_list"),
    path("levels/add/", levels.level_add, name="level_add"),
    path("levels/<slug:slug>/edit/", levels.level_edit, name="level_edit"),
    path("levels/<slug:slug>/delete/", levels.level_delete, name="level_delete"),
    re_path(r"^levels/(?P<slug>[-\w]+)/move/(?P<direction>up|down)/$", levels.level_move, name="level_move"),
    path("datasets/<int:dataset_id>/level/", levels.set_dataset_level, name="dataset_level"),
    path("review/", review.review, name="review"),
    path("review/decisions/<int:decision_id>/undo/", review.review_undo, name="review_undo"),
    path("categories/", categories.category_list, name="category_list"),
    path("categories/add/", categories.category_add, name="category_add"),
    path("categories/try/", categories.rules_try, name="rules_try"),
    path("categories/<slug:slug>/edit/", categories.category_edit, name="category_edit"),
    path("categories/rules/", categories.rule_sets, name="rule_sets"),
    path("categories/rules/live/", categories.rule_sets_live, name="rule_sets_live"),
    path("categories/rules/draft/", categories.rule_set_draft, name="rule_set_draft"),
    path("categories/rules/<int:version>/apply/", categories.rule_set_apply, name="rule_set_apply"),
    path("categories/rules/<int:version>/discard/", categories.rule_set_discard, name="rule_set_discard"),
    path("categories/negative-rules/<int:rule_id>/end/", categories.negative_rule_end, name="negative_rule_end"),
    path("classification/labels.csv", labels.labels_export, name="labels_export"),
    path("classification/import/", labels.labels_import, name="labels_import"),
    path("classification/coverage/", coverage.coverage, name="coverage"),
]
