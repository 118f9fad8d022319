"""What a client is told when its request cannot be done (RFC 7644 section 3.12)."""

from enum import StrEnum

from lastday.model.canonical import JsonValue

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimType(StrEnum):
    """The causes that have a name (RFC 7644 table 9; RFC 9865 section 2.3 for the last three): the whole of both lists.

    invalidVers and sensitive stand for completeness; nothing here is refused for them.
    """

    INVALID_FILTER = "invalidFilter"
    TOO_MANY = "tooMany"
    UNIQUENESS = "uniqueness"
    MUTABILITY = "mutability"
    INVALID_SYNTAX = "invalidSyntax"
    INVALID_PATH = "invalidPath"
    NO_TARGET = "noTarget"
    INVALID_VALUE = "invalidValue"
    INVALID_VERS = "invalidVers"
    SENSITIVE = "sensitive"
    INVALID_CURSOR = "invalidCursor"
    EXPIRED_CURSOR = "expiredCursor"
    INVALID_COUNT = "invalidCount"


class ScimError(Exception):
    """The request is refused: HTTP status, a sentence for the client's developer, and the cause where it has a name."""

    def __init__(self, status: int, detail: str, scim_type: ScimType | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type

    def body(self) -> dict[str, JsonValue]:
        """The message as JSON; `status` is text there (RFC 7644 section 3.12).

        >>> ScimError(404, "there is no such user").body()["status"]
        '404'
        """
        cause: dict[str, JsonValue] = {} if self.scim_type is None else {"scimType": self.scim_type.value}
        return {"schemas": [ERROR_SCHEMA], "status": str(self.status), **cause, "detail": self.detail}


def invalid_value(detail: str) -> ScimError:
    """400: a value is missing, or does not fit its attribute."""
    return ScimError(400, detail, ScimType.INVALID_VALUE)


def invalid_syntax(detail: str) -> ScimError:
    """400: the message does not have the shape that its schema gives it."""
    return ScimError(400, detail, ScimType.INVALID_SYNTAX)


def invalid_path(detail: str) -> ScimError:
    """400: the path of a PATCH operation is malformed or names nothing."""
    return ScimError(400, detail, ScimType.INVALID_PATH)


def invalid_filter(detail: str) -> ScimError:
    """400: a filter cannot be read."""
    return ScimError(400, detail, ScimType.INVALID_FILTER)


def no_target(detail: str) -> ScimError:
    """400: a path leads to no value that could be changed."""
    return ScimError(400, detail, ScimType.NO_TARGET)


def mutability(detail: str) -> ScimError:
    """400: the attribute does not let itself be changed like this."""
    return ScimError(400, detail, ScimType.MUTABILITY)
