"""Flat attributes as a nested resource: what a path with a sub-attribute looks into."""

from collections.abc import Mapping, Sequence

from lastday.model.attributes import Attributes, AttributeValue

MULTI_VALUED = frozenset(
    {"emails", "phonenumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles", "x509certificates"}
)
"""Attributes with a list of complex values (RFC 7643 section 4.1.2), in lower case."""


def nested_attributes(attributes: Attributes) -> Mapping[str, object]:
    """Attributes with dotted names as complex values (RFC 7643 section 2.3.8).

    >>> nested_attributes(Attributes.of({"name.givenName": "Ada", "emails.value": ("a@x", "b@x")}))
    {'emails': [{'value': 'a@x'}, {'value': 'b@x'}], 'name': {'givenName': 'Ada'}}
    """
    view: dict[str, object] = {}
    spelling: dict[str, str] = {}
    members: dict[str, dict[str, tuple[AttributeValue, ...]]] = {}
    for dotted, values in attributes.items():
        name, dot, sub = dotted.partition(".")
        name = spelling.setdefault(name.lower(), name)
        members.setdefault(name, {})[sub if dot else "value"] = values
    for name, subs in members.items():
        view[name] = _complex_value(name, subs)
    return view


def _complex_value(name: str, subs: dict[str, tuple[AttributeValue, ...]]) -> object:
    if name.lower() in MULTI_VALUED:
        longest = max(map(len, subs.values()))
        return [{sub: values[i] for sub, values in subs.items() if i < len(values)} for i in range(longest)]
    if set(subs) == {"value"}:
        return _plain(subs["value"])
    return {sub: _plain(values) for sub, values in subs.items()}


def _plain(values: Sequence[AttributeValue]) -> object:
    return values[0] if len(values) == 1 else list(values)
