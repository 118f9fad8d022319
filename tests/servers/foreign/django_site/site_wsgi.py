# mypy: disable-error-code="import-not-found, misc"
# What it imports is installed in .foreign/ only.
"""The site as gunicorn serves it, with its tables made."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
application = get_wsgi_application()
call_command("migrate", run_syncdb=True, verbosity=0)
