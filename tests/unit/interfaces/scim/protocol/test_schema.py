"""The schemas are those of RFC 7643 and Lastday's own, and clients are told so."""

from typing import Any

import pytest
from scim2_models import EnterpriseUser, Group, Schema, ServiceProviderConfig, User
from scim2_models import ResourceType as TheirResourceType

from lastday.configuration.scim_paths import DEFAULT_MAP, ENTERPRISE, PERSON, USER_PATHS
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.interfaces.scim.protocol.discovery import (
    Announced,
    resource_types,
    schema_documents,
    service_provider_config,
)
from lastday.interfaces.scim.protocol.paths import parse_path, resolve
from lastday.interfaces.scim.protocol.schema import Attribute, CustomSchema
from lastday.interfaces.scim.protocol.schema_set import GROUP_SCHEMA, USER_SCHEMA, SchemaSet
from lastday.model.errors import InputError
from lastday.model.scim import ResourceType
from tests.unit.interfaces.scim.protocol.resources import BADGE, BADGE_SCHEMA, EXTENDED, PLAIN, USER

BASE = "https://lastday.example/scim/v2"
LIMITS = Announced(
    bulk_operations=100,
    bulk_payload_bytes=1_000_000,
    filter_results=200,
    default_page_size=100,
    page_size=200,
    cursor_lifetime_s=3600,
)
OURS: dict[str, Any] = {str(document["id"]): document for document in schema_documents(PLAIN, BASE)}
CHARACTERISTICS = ("type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness")
STRICTER: dict[str, dict[str, Any]] = {
    "members.value": {"required": (True, False)},
    "groups.$ref": {"referenceTypes": (["User", "Group"], ["Group"])},
    "manager.value": {"required": (False, True)},
    "manager.$ref": {"required": (False, True)},
}
"""(ours, scim2-models'). A member without a value is nobody; RFC 7643 section 8.7.1 has the rest as here."""


def flat(attributes, prefix=""):
    for one in attributes:
        yield prefix + one["name"], one
        yield from flat(one.get("subAttributes") or (), f"{one['name']}.")


@pytest.mark.parametrize("model", [User, Group, EnterpriseUser], ids=lambda model: model.__name__)
def test_every_attribute_is_as_the_standard_has_it(model):
    """RFC 7643 section 8.7.1, as scim2-models wrote it down."""
    wanted = model.to_schema().model_dump()
    theirs, ours = dict(flat(wanted["attributes"])), dict(flat(OURS[wanted["id"]]["attributes"]))
    assert list(ours) == list(theirs)
    for path, attribute in ours.items():
        for name in CHARACTERISTICS:
            expected = theirs[path].get(name) or {"caseExact": False, "uniqueness": "none"}.get(name, False)
            given = attribute.get(name, {"caseExact": False, "uniqueness": "none"}.get(name))
            assert (path, name, given) == (path, name, STRICTER.get(path, {}).get(name, (expected,))[0])
        assert sorted(attribute.get("canonicalValues", ())) == sorted(theirs[path].get("canonicalValues") or ())


def test_what_is_stricter_here_is_stricter():
    """An entry of the list above that is no difference any more is taken out."""
    theirs: dict[str, Any] = {}
    for model in (User, Group, EnterpriseUser):
        theirs |= dict(flat(model.to_schema().model_dump()["attributes"]))
    for path, names in STRICTER.items():
        for name, (_, there) in names.items():
            assert (path, theirs[path].get(name) or False) == (path, there)


def test_what_configurations_may_map_can_be_pushed():
    """`[source.NAME.map]` and the service provider speak of the same attributes."""
    for text in (*USER_PATHS, *DEFAULT_MAP.values()):
        assert resolve(parse_path(text), USER) is not None, text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("USERNAME", "userName"),
        (f"{USER_SCHEMA}:name.givenname", "name.givenName"),
        (f"{ENTERPRISE.upper()}:MANAGER.VALUE", f"{ENTERPRISE}:manager.value"),
        ('emails[type eq "work"].Display', "emails.display"),
        ("meta.lastModified", "meta.lastModified"),
    ],
)
def test_paths_are_found_in_any_case(text, path):
    """RFC 7644 section 3.10: with and without URN."""
    target: Any = resolve(parse_path(text), USER)
    assert (target.sub or target.attribute).path == path


def test_an_extension_is_a_path_of_its_own():
    """RFC 7644 section 3.10: the URN alone."""
    target: Any = resolve(parse_path(ENTERPRISE), USER)
    assert target.extension.urn == ENTERPRISE


def test_ids_are_compared_with_case_and_names_without():
    """RFC 7643 sections 3.1 and 4: caseExact, as the predicate takes it."""
    exact = PLAIN.case_exact_paths()
    assert {"id", "externalid", "meta.version", "members", "members.value", "groups.value"} <= exact
    assert not {"username", "emails", "emails.value", "displayname", "members.display"} & exact
    holds = compile_predicate(parse('members eq "A" or userName eq "ADA"'), case_exact=exact)
    assert not holds({"members": [{"value": "a"}]}, None)
    assert holds({"userName": "ada"}, None)


def test_a_custom_schema_joins_the_others():
    """RFC 7643 section 3.3."""
    assert [each.schema.urn for each in EXTENDED.kind(ResourceType.USER).extensions] == [
        ENTERPRISE,
        PERSON,
        BADGE_SCHEMA,
    ]
    documents = {document["id"] for document in schema_documents(EXTENDED, BASE)}
    assert documents == {USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE, PERSON, BADGE_SCHEMA}


@pytest.mark.parametrize("urn", [USER_SCHEMA, GROUP_SCHEMA.upper(), PERSON, BADGE_SCHEMA.upper()])
def test_a_custom_schema_has_a_name_of_its_own(urn):
    """R102."""
    taken = CustomSchema(urn=urn, name="Taken", attributes=(Attribute(name="a"),))
    with pytest.raises(InputError) as refusal:
        SchemaSet.of([BADGE, taken])
    assert refusal.value.code == "R102"


def test_what_is_told_about_the_service_provider_can_be_read_by_others():
    """RFC 7643 sections 5, 6 and 7, through the models of scim2-models; RFC 9865 section 4."""
    config: Any = service_provider_config(BASE, LIMITS)
    read: Any = ServiceProviderConfig.model_validate(config)
    assert (read.patch.supported, read.bulk.max_operations, read.filter.max_results) == (True, 100, 200)
    assert config["pagination"]["maxPageSize"] == 200
    for each in resource_types(EXTENDED, BASE):
        kind: Any = TheirResourceType.model_validate(each)
        assert kind.endpoint == f"/{ResourceType(kind.id).endpoint}"
    documents: Any = schema_documents(EXTENDED, BASE)
    for document in documents:
        assert Schema.model_validate(document).id == document["id"]
        assert document["meta"]["location"] == f"{BASE}/Schemas/{document['id']}"


def test_every_attribute_is_described():
    """A client's developer reads /Schemas."""
    for document in OURS.values():
        assert all(one["description"] for _, one in flat(document["attributes"]))
