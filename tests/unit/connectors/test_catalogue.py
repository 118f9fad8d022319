"""Every connector's folder agrees with its code: design section 8, `manifest == class`."""

from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

import lastday.connectors
from lastday.connectors.sdk import catalogue as catalogue_module
from lastday.connectors.sdk.catalogue import catalogue, kind_of
from lastday.connectors.sdk.manifest import read_manifest
from lastday.connectors.sdk.protocols import Connector, capabilities_of
from lastday.model.errors import ManifestError
from lastday.model.operation import Verb

FOLDERS = sorted(path.parent for path in Path(lastday.connectors.__path__[0]).glob("*/manifest.toml"))
TYPES = {"text", "secret", "boolean", "integer", "texts", "table"}


def test_there_are_connectors():
    assert {folder.name for folder in FOLDERS} >= {"scim", "csv"}


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


def test_the_catalogue_has_every_folder_with_a_manifest():
    assert set(catalogue()) == {folder.name for folder in FOLDERS}


def test_manifest_and_class_have_the_same_capabilities(folder):
    kind = catalogue()[folder.name]
    assert kind.manifest.capabilities == capabilities_of(kind.connector_class)


def test_every_class_can_be_read(folder):
    names = [name for name in vars(Connector) if not name.startswith("_")]
    assert [name for name in names if not hasattr(catalogue()[folder.name].connector_class, name)] == []


def test_a_manifest_speaks_of_known_verbs_and_types_only(folder):
    manifest = read_manifest(folder)
    verbs = {verb.value for verb in Verb} | {"probe"}
    assert manifest.id == folder.name
    assert set(manifest.verbs) <= verbs
    assert manifest.destroys <= verbs
    assert {field.type for field in manifest.config.values()} <= TYPES
    assert manifest.least_privilege


def test_every_folder_has_a_page_that_says_what_it_does(folder):
    assert (folder / "README.md").read_text().startswith("# ")


def package_in(folder, manifest, **content):
    (folder / "manifest.toml").write_text(manifest)
    package = ModuleType("planted")
    package.__path__ = [str(folder)]
    for name, value in content.items():
        setattr(package, name, value)
    return package


MINIMAL = 'id = "csv"\ntitle = "x"\nsettle_s = 0\nrequests_per_s = 1\nparallel = 1\nleast_privilege = ["x"]\n'
CSV = "lastday.connectors.csv"


@pytest.mark.parametrize(
    ("claims", "has_class"),
    [('["deletes_accounts"]', True), ("[]", False), ('["flies"]', True)],
)
def test_a_folder_that_contradicts_itself_is_named(tmp_path, claims, has_class):
    kind = catalogue()["csv"]
    content = {"CONNECTOR_CLASS": kind.connector_class, "open_connector": kind.open} if has_class else {}
    text = f"{MINIMAL}capabilities = {claims}\n[config]\n[verbs]\n"
    with pytest.raises(ManifestError) as caught:
        kind_of(package_in(tmp_path, text, **content))
    assert str(tmp_path) in str(caught.value)


def test_an_installed_plug_in_with_an_id_that_is_there_is_refused(monkeypatch):
    """The entry point group `lastday.connectors` is read; two kinds with one id would be a guess."""
    point = EntryPoint(name="again", value=CSV, group="lastday.connectors")
    monkeypatch.setattr(catalogue_module, "entry_points", lambda group: [point])
    with pytest.raises(ManifestError, match="two connectors with the id 'csv'"):
        catalogue()


def test_a_connector_may_say_more_of_one_connection(tmp_path):
    """Design section 8: what a verb destroys can depend on the application behind the connector."""
    csv = catalogue()["csv"]
    kind = kind_of(
        package_in(
            tmp_path,
            f"{MINIMAL}capabilities = []\n[config]\n[verbs]\n",
            CONNECTOR_CLASS=csv.connector_class,
            open_connector=csv.open,
            describe=lambda manifest, keys: manifest.model_copy(update={"title": keys["vendor"]}),
        )
    )
    assert kind.manifest_of({"vendor": "slack"}).title == "slack"
    assert kind.manifest.title == "x"
    assert csv.manifest_of({}) is csv.manifest
