"""What every message of the protocol has in common (RFC 7644 section 3.1)."""

from lastday.interfaces.scim.protocol.errors import invalid_syntax
from lastday.interfaces.scim.protocol.profiles import Profile


def require_schema(schemas: object, urn: str, profile: Profile) -> None:
    """A message says by `urn`, in any case, what it is (RFC 7643 section 3). Raises ScimError 400 where it does not.

    Without any `schemas` it is taken from clients whose profile says so: the address tells what it must be.
    """
    if schemas is None and profile.schemas_optional:
        return
    named = schemas if isinstance(schemas, list) else []
    if not any(isinstance(one, str) and one.lower() == urn.lower() for one in named):
        raise invalid_syntax(f"schemas lacks {urn}")
