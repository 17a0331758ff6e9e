from __future__ import annotations

from django.urls import path, re_path

from classification import views

app_name = "classification"

urlpatterns = [
    path("levels/", views.level_list, name="level_list"),
    path("levels/add/", views.level_add, name="level_add"),
    path("levels/<slug:slug>/edit/", views.level_edit, name="level_edit"),
    path("levels/<slug:slug>/delete/", views.level_delete, name="level_delete"),
    re_path(r"^levels/(?P<slug>[-\w]+)/move/(?P<direction>up|down)/$", views.level_move, name="level_move"),
    path("datasets/<int:dataset_id>/level/", views.set_dataset_level, name="dataset_level"),
]
