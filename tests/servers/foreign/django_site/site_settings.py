"""A Django site that has nothing but django-scim2."""

import os
from pathlib import Path

SECRET_KEY = "only on loopback"
ALLOWED_HOSTS = ["*"]
DEBUG = False
USE_TZ = True
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_scim", "accounts"]
MIDDLEWARE = ["site_auth.bearer_user", "django_scim.middleware.SCIMAuthCheckMiddleware"]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(os.environ["FOREIGN_FOLDER"]) / "site.sqlite3"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"},
    }
}
SCIM_SERVICE_PROVIDER = {
    "NETLOC": f"127.0.0.1:{os.environ['FOREIGN_PORT']}",
    "SCHEME": "http",
    "GROUP_MODEL": "accounts.models.Group",
    "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "token", "description": "a bearer token"}],
}
