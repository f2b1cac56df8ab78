"""Routes of the tactical pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
