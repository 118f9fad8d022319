"""Settings for every test: properties run without a time limit, and the same way each time in CI."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "lastday", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("lastday")
