"""The small company, loaded."""

from pathlib import Path

import pytest

from tests.integration.execution.company import Company, found_company


@pytest.fixture
def company(tmp_path: Path, database_url: str) -> Company:
    return found_company(tmp_path, database_url)
