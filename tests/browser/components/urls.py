"""URLs for the component tests: the gallery, and the smallest real endpoints that its components talk to."""

from __future__ import annotations

from itertools import count

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.urls import include, path

from common.components import Suggestion
from common.gallery import gallery

polls = count(1)

LIVE = Template(
    "{% load live %}{% live id='run' url='/poll/' active=active every='100ms' announce=announce %}"
    "<p>{{ done }} of 4 tables</p>{% endlive %}"
)
PAGE = Template(
    "{% extends 'base.html' %}{% block title %}A run{% endblock %}"
    "{% block content %}<h1>A run</h1>{{ live }}{% endblock %}"
)


def live(done: int) -> str:
    announce = "The run has ended." if done >= 4 else f"{done} of 4 tables"
    return LIVE.render(Context({"active": done < 4, "done": done, "announce": announce}))


def run(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.render(Context({"live": live(0), "request": request})))


def poll(request: HttpRequest) -> HttpResponse:
    return HttpResponse(live(next(polls)))


def suggest(request: HttpRequest) -> HttpResponse:
    word = request.GET["q"]
    found = [
        Suggestion(f"{word}_daily", f"/found/?name={word}_daily", "table", "warehouse.marts"),
        Suggestion(f"{word}_old", f"/found/?name={word}_old", "view", "ontrack.public", "column id"),
    ]
    return render(request, "components/_suggestions.html", {"suggestions": found, "box": request.GET["box"]})


def confirm(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "components/confirm_page.html",
        {
            "title": "Cancel this run?",
            "text": "What was read is thrown away.",
            "confirm_label": "Cancel the run",
        },
    )


portal = (
    [
        path("search/", gallery, name="search"),
        path("suggest/", suggest, name="suggest"),
        path("home/", gallery, name="home"),
    ],
    "portal",
)

urlpatterns = [
    path("", include(portal)),
    path("found/", gallery),
    path("gallery/", gallery),
    path("run/", run),
    path("poll/", poll),
    path("style/", confirm),
]
