# mypy: disable-error-code="import-not-found, misc"
# What it imports is installed in .foreign/ only.
"""Where django-scim2 stands."""

from django.urls import include, path

urlpatterns = [path("scim/v2/", include("django_scim.urls"))]
