"""The peer's addresses; apart from its settings, because they need the applications to be loaded."""

from django.urls import include, path

urlpatterns = [path("", include("sensorthings.versions.v1_1.urls"))]
