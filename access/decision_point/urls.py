from __future__ import annotations

from django.urls import path

from access.decision_point import http, views

app_name = "decision_point"

urlpatterns = [
    path(".well-known/authzen-configuration", views.discovery, name="discovery"),
    *(
        path(address.removeprefix("/"), views.decide, name=address.removeprefix("/access/v1/").replace("/", "_"))
        for address in http.ADDRESSES
    ),
]
