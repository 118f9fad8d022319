"""A connector is one folder that says of itself what it does (design section 8)."""

import re
from pathlib import Path

import pytest

from lastday.connectors.sdk.catalogue import catalogue
from lastday.connectors.sdk.manifest import read_manifest
from tests.house.sources import SRC

FOLDERS = sorted(p for p in (SRC / "connectors").iterdir() if p.is_dir() and p.name not in ("sdk", "__pycache__"))
WANTED = ("manifest.toml", "connector.py", "README.md")


def test_there_are_connectors():
    """A rule over nothing proves nothing."""
    assert {folder.name for folder in FOLDERS} >= {"csv", "ldap", "postgresql", "scim"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_connector_has_its_manifest_its_code_and_its_readme(folder: Path):
    """Design section 8."""
    assert [name for name in WANTED if not (folder / name).is_file()] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_connector_is_found_under_the_name_of_its_folder(folder: Path):
    """Found by folder scan; the manifest's id is what a configuration writes."""
    assert catalogue()[folder.name].manifest.id == folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_manifest_says_what_survives_a_disable_and_what_rights_it_needs(folder: Path):
    """A buyer's security team asks both first; silence would be read as "nothing"."""
    manifest = read_manifest(folder)
    assert manifest.survives
    assert manifest.least_privilege
    assert manifest.verbs


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_readme_speaks_of_every_verb_and_of_what_is_not_done(folder: Path):
    """What each verb really does, and known gaps beside it, where somebody who chooses looks."""
    text = (folder / "README.md").read_text(encoding="utf-8").lower()
    manifest = read_manifest(folder)
    done = manifest.verbs if manifest.capabilities else ()
    assert [verb for verb in done if re.search(rf"\b{verb}", text) is None] == []
    assert re.search(r"known gaps|cannot|by hand|people do", text)
