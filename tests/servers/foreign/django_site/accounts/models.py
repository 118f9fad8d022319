# mypy: disable-error-code="import-not-found, misc"
# What it imports is installed in .foreign/ only.
"""Users and groups as the documentation of django-scim2 makes them."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=150, unique=True)


class User(AbstractSCIMUserMixin, AbstractUser):
    scim_groups = models.ManyToManyField(Group, related_name="user_set")
    groups = models.ManyToManyField("auth.Group", related_name="of_django")
