"""README's first screen, its configuration, and the changelog keep what they say."""

import re
import xml.etree.ElementTree as ET

import pytest

from lastday import __version__
from lastday.app import Composition
from lastday.connectors.sdk.catalogue import catalogue
from tests.house.sources import ROOT, SRC

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = README.partition("\n## ")[0]
SCREEN = 40


def test_the_first_screen_is_one_screen():
    """What it is, a picture, two commands, what was seen, what it works with, what it is not."""
    assert len(FIRST_SCREEN.splitlines()) <= SCREEN
    for part in ("make demo", "make test", "| works with |", "What it is not", "](docs/pictures/"):
        assert part in FIRST_SCREEN


def test_the_table_names_exactly_the_connectors_that_are_there():
    """Nobody chooses a product for a connector that is not in it."""
    assert set(re.findall(r"^\| `(\w+)` \|", FIRST_SCREEN, re.MULTILINE)) == set(catalogue())


def test_the_example_configuration_is_accepted_whole(tmp_path):
    """Whoever copies the example gets no error from `lastday check`."""
    (block,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    path = tmp_path / "lastday.toml"
    path.write_text(block, encoding="utf-8")
    configuration = Composition({}).configuration(path)
    assert set(configuration.applications) == {"chat"}


AROUND = """
[company]
name = "Example"
time_zone = "Europe/Berlin"
[source.hr]
kind = "csv"
path = "people.csv"
key = "id"
[source.hr.map]
employeeNumber = "id"
userName = "login"
"emails.value" = "mail"
status = { column = "status", active = ["active"] }
[leaver.standard]
limit = "15m"
"""
BLOCKS = [
    (page.parent.name, block)
    for page in sorted((SRC / "connectors").glob("*/README.md"))
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("connector", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_the_example_of_a_connector_is_accepted_whole(connector, block, tmp_path):
    """A connector's README shows an application that can be copied."""
    path = tmp_path / "lastday.toml"
    path.write_text(AROUND + block, encoding="utf-8")
    (application,) = Composition({}).configuration(path).applications.values()
    assert application.connector == connector


def test_pictures_are_ours_and_load_nothing():
    """A picture is text in the repository: no script, no address, with a title for who cannot see it."""
    for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        text = (ROOT / name).read_text(encoding="utf-8")
        root = ET.fromstring(text)  # noqa: S314 - our own file
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert {"title", "desc"} <= tags
        assert not tags & {"script", "image", "foreignObject", "use"}
        assert "href" not in text


def test_the_newest_version_of_the_changelog_is_this_one():
    """Keep a Changelog; the version stands in one place of the program."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d{2}-\d{2})$", changelog, re.MULTILINE)
    assert versions[0][0] == __version__


def test_limits_are_said():
    """What is not built stands in README, not in a footnote."""
    limits = README.partition("## Limits")[2]
    assert limits.count("\n- ") >= 4
