"""What an update has to write: only what differs, and the names that were made from another value follow it."""

from collections.abc import Sequence

from lastday.connectors.ldap import names
from lastday.connectors.ldap.accounts import encoded, surname_in
from lastday.connectors.ldap.answers import SECRET_ATTRIBUTES, Change, Entry, Modification
from lastday.model.attributes import Attributes


def rename_in(entry: Entry, values: Attributes) -> str | None:
    """The new relative name, where the attribute that names the entry gets another value; None where it stays."""
    if len(names.comparable(entry.dn)[0]) > 1:  # a name of several values is not ours to remake
        return None
    attribute, present = names.first_value(entry.dn)
    wanted = values.text(attribute)
    return None if wanted is None or wanted == present else names.rdn(attribute, wanted)


def changes_to_update(entry: Entry, values: Attributes, cleared: Sequence[str]) -> list[Modification]:
    """The modifications that are still needed; none where everything is as it should be."""
    wanted = {name: encoded(given) for name, given in (*values.pairs, *_following(entry, values).pairs)}
    wanted |= {name: () for name in cleared if name not in values}
    return [
        Modification(attribute=name, change=Change.REPLACE, values=given)
        for name, given in wanted.items()
        if name.lower() not in SECRET_ATTRIBUTES and sorted(given) != sorted(entry.attributes.get(name.lower(), ()))
    ]


def _following(entry: Entry, values: Attributes) -> Attributes:
    """`cn` and `sn` follow `displayName` where they said the same as its old value and are not given themselves."""
    old, new = entry.text("displayName"), values.text("displayName")
    if old is None or new is None or old == new:
        return Attributes()
    named_by = names.first_value(entry.dn)[0].lower()
    follow: dict[str, str] = {}
    if entry.texts("cn") == (old,) and "cn" not in values and named_by != "cn":
        follow["cn"] = new
    if entry.texts("sn") == (surname_in(old),) and "sn" not in values and named_by != "sn":
        follow["sn"] = surname_in(new)
    return Attributes.of(follow)
