"""What runs in `.foreign/` cannot be imported here."""

collect_ignore = ["canaille_site.py", "django_site"]
