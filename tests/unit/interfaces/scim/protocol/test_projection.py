"""What a client sees (RFC 7644 section 3.9; `returned` of RFC 7643 section 7)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lastday.configuration.scim_paths import ENTERPRISE
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.projection import choice_of, document_of, shown_of, written_moment
from lastday.interfaces.scim.protocol.schema_set import USER_SCHEMA
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushedResource, ResourceType
from tests.unit.interfaces.scim.protocol.resources import BADGE_SCHEMA, BADGED, USER, user

BODY = user(
    kind=BADGED,
    title="Guide",
    name={"givenName": "Barbara", "familyName": "Jensen"},
    emails=[{"value": "a@b", "type": "work"}, {"type": "home"}],
    **{
        ENTERPRISE: {"department": "Tours", "manager": {"value": "m", "$ref": "../Users/m"}},
        BADGE_SCHEMA: {"number": "7", "hint": "h", "seal": "s"},
    },
)
META = {"resourceType": "User", "version": 'W/"1"'}
DOCUMENT = {**BODY, "id": "1", "meta": META}
ALWAYS = {"schemas": BODY["schemas"], "id": "1", BADGE_SCHEMA: {"seal": "s"}}


def only(*names):
    return shown_of(DOCUMENT, choice_of(BADGED, names))


def less(*names):
    return shown_of(DOCUMENT, choice_of(BADGED, (), names))


def test_without_a_wish_everything_by_default_is_shown():
    """RFC 7643 section 7: `request` only when asked for, `never` never."""
    assert less() == {**DOCUMENT, BADGE_SCHEMA: {"number": "7", "seal": "s"}}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["userName"], {"userName": "bjensen"}),
        (["USERNAME", "title"], {"userName": "bjensen", "title": "Guide"}),
        ([f"{USER_SCHEMA}:userName"], {"userName": "bjensen"}),
        (["name.givenName"], {"name": {"givenName": "Barbara"}}),
        (["name"], {"name": BODY["name"]}),
        (["emails.value"], {"emails": [{"value": "a@b"}]}),
        (["emails"], {"emails": BODY["emails"]}),
        (["meta.version"], {"meta": {"version": 'W/"1"'}}),
        ([ENTERPRISE], {ENTERPRISE: BODY[ENTERPRISE]}),
        ([f"{ENTERPRISE}:department"], {ENTERPRISE: {"department": "Tours"}}),
        ([f"{ENTERPRISE.upper()}:MANAGER.value"], {ENTERPRISE: {"manager": {"value": "m"}}}),
        ([f"{BADGE_SCHEMA}:hint"], {BADGE_SCHEMA: {"hint": "h", "seal": "s"}}),
        (["nosuch", "department", "urn:x:y"], {}),
    ],
)
def test_only_what_is_asked_for_and_what_is_always_there(names, shown):
    """RFC 7644 section 3.9, `attributes`; the notation of section 3.10."""
    assert only(*names) == {**ALWAYS, **shown}


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (["userName"], {"userName": None}),
        (["name.givenName"], {"name": {"familyName": "Jensen"}}),
        (["name.givenName", "name.familyName"], {"name": None}),
        (["emails.value"], {"emails": [{"type": "work"}, {"type": "home"}]}),
        (["emails.type"], {"emails": [{"value": "a@b"}]}),
        ([f"{ENTERPRISE}:manager"], {ENTERPRISE: {"department": "Tours"}}),
        ([ENTERPRISE], {ENTERPRISE: None}),
        ([BADGE_SCHEMA], {BADGE_SCHEMA: {"seal": "s"}}),
        (["id", "schemas", "nosuch"], {}),
        (["meta"], {"meta": None}),
    ],
)
def test_everything_but_what_is_not_wanted(names, gone):
    """RFC 7644 section 3.9, `excludedAttributes`: what is always returned stays."""
    wanted = {name: value for name, value in {**less(), **gone}.items() if value is not None}
    assert less(*names) == wanted


def test_both_wishes_exclude_each_other():
    """RFC 7644 section 3.9: the parameters are mutually exclusive."""
    with pytest.raises(ScimError) as refusal:
        choice_of(USER, ["userName"], ["title"])
    assert refusal.value.status == 400


def test_what_is_never_returned_is_not_even_by_name():
    """RFC 7643 section 7, `never`: should it ever be in a document, it does not leave."""
    document = {**DOCUMENT, "password": "x", BADGE_SCHEMA: {"pin": "1", "seal": "s"}}
    for shown in (
        shown_of(document, choice_of(BADGED, ["password", f"{BADGE_SCHEMA}:pin", BADGE_SCHEMA])),
        shown_of(document, choice_of(BADGED)),
        shown_of(document, choice_of(BADGED, (), ["title"])),
    ):
        assert "password" not in shown
        assert shown[BADGE_SCHEMA] == {"seal": "s"}


def test_a_document_has_id_and_meta():
    """RFC 7643 section 3.1."""
    resource = PushedResource(
        source=SourceName("idp"),
        type=ResourceType.USER,
        id=ResourceId("u1"),
        ordinal=1,
        version=3,
        created_at=datetime(2026, 11, 30, 17, tzinfo=UTC),
        modified_at=datetime(2026, 11, 30, 18, 0, 0, 120, tzinfo=timezone(timedelta(hours=1))),
        body=user(),
    )
    assert document_of(resource, "https://x.example/scim/v2") == {
        "schemas": [USER_SCHEMA],
        "id": "u1",
        "userName": "bjensen",
        "meta": {
            "resourceType": "User",
            "created": "2026-11-30T17:00:00Z",
            "lastModified": "2026-11-30T17:00:00.000120Z",
            "location": "https://x.example/scim/v2/Users/u1",
            "version": 'W/"3"',
        },
    }


def test_moments_are_written_so_that_they_are_read_as_the_same():
    """RFC 7643 section 2.3.5: a filter by what was shown must find what was meant."""
    moment = datetime(2026, 11, 30, 17, 0, 0, 123456, tzinfo=UTC)
    assert datetime.fromisoformat(written_moment(moment)) == moment
