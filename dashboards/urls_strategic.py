"""Routes of posture and clusters."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
