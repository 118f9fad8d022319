"""The table of errors (RFC 7644 section 3.12, table 9; RFC 9865 section 2.3)."""

import pytest

from lastday.interfaces.scim.protocol.errors import (
    ScimError,
    ScimType,
    invalid_filter,
    invalid_path,
    invalid_syntax,
    invalid_value,
    mutability,
    no_target,
)

TABLE = {
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
}
CURSORS = {"invalidCursor", "expiredCursor", "invalidCount"}


def test_every_cause_of_the_standards_has_a_name():
    """RFC 7644 table 9 and RFC 9865 section 2.3; no others."""
    assert {cause.value for cause in ScimType} == TABLE | CURSORS


def test_a_message_has_its_status_as_text():
    """RFC 7644 section 3.12, figure 8."""
    assert ScimError(409, "taken", ScimType.UNIQUENESS).body() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "taken",
    }
    assert "scimType" not in ScimError(404, "there is no such user").body()


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (invalid_filter, "invalidFilter"),
        (invalid_path, "invalidPath"),
        (invalid_syntax, "invalidSyntax"),
        (invalid_value, "invalidValue"),
        (mutability, "mutability"),
        (no_target, "noTarget"),
    ],
)
def test_what_a_body_does_wrong_is_400(make, cause):
    """RFC 7644 section 3.12, table 8."""
    error = make("because")
    assert (error.status, error.scim_type, str(error)) == (400, cause, "because")
