# mypy: disable-error-code="import-not-found, misc"
# What it imports is installed in .foreign/ only.
"""Who holds the token is a user; django-scim2 itself refuses everybody else."""

import os

from django.contrib.auth.models import AnonymousUser


class _Client(AnonymousUser):
    is_authenticated = True


def bearer_user(get_response):
    """Sets the user of the request by its bearer token."""
    wanted = f"Bearer {os.environ['FOREIGN_TOKEN']}"

    def middleware(request):
        request.user = _Client() if request.headers.get("Authorization") == wanted else AnonymousUser()
        return get_response(request)

    return middleware
