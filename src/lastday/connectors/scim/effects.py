"""What operations really do in the application behind a connection: the manifest, by the profile of its vendor."""

from collections.abc import Mapping
from typing import Final

from lastday.connectors.scim.dialect import address_of, vendor_of
from lastday.connectors.scim.limits import limits_of
from lastday.connectors.scim.vendor_profile import VendorProfile
from lastday.connectors.scim.vendor_terms import Confidence, DisableVerb, SessionEnd
from lastday.connectors.sdk.manifest import Manifest
from lastday.connectors.sdk.protocols import Capability

UNPUBLISHED_RATE: Final = 10.0
"""Requests a second where the vendor states no limit."""
_GROUP_VERBS: Final = frozenset({Capability.GIVES_HOLDINGS, Capability.REVOKES_HOLDINGS})
_DISABLE: Final = {
    DisableVerb.PATCH: "PATCH /Users/{id}: active is false.",
    DisableVerb.PUT: "GET and PUT of /Users/{id}: active is false.",
    DisableVerb.DELETE: "DELETE /Users/{id}, which is how this vendor switches people off.",
}
_SESSIONS: Final = {
    SessionEnd.NATIVE: (),
    SessionEnd.SEPARATE_API: ("Sessions that run, until another interface ends them.",),
    SessionEnd.NONE: ("Sessions that run, until they run out.",),
    SessionEnd.UNKNOWN: ("Sessions that run, perhaps: whether they end is not known.",),
}


def describe(manifest: Manifest, connection: Mapping[str, object]) -> Manifest:
    """The manifest of one connection: what is reversible, what is destroyed, what stays alive, how fast it may go.

    Raises ConfigurationError for a vendor that is not known or takes no SCIM, and where the address is not whole.
    """
    vendor = vendor_of(connection)
    address_of(connection, vendor)
    if vendor is None:
        lacking = _GROUP_VERBS if connection.get("groups") is False else frozenset()
        return manifest.model_copy(update={"capabilities": manifest.capabilities - lacking})
    limits = limits_of(vendor)
    rate = manifest.requests_per_s if limits else min(manifest.requests_per_s, UNPUBLISHED_RATE)
    return manifest.model_copy(
        update={
            "title": f"{vendor.title}, over SCIM",
            "capabilities": manifest.capabilities - _lacking(vendor, connection),
            "requests_per_s": rate,
            "limits": limits,
            "parallel": min([manifest.parallel, *(b.concurrent for b in vendor.rates.buckets if b.concurrent)]),
            "verbs": {**manifest.verbs, "disable": _disable_sentence(vendor)},
            "destroys": _final(vendor),
            "losses": _losses(vendor),
            "hand_over_first": vendor.effects.transfer_before,
            "survives": (*_sessions(vendor), *vendor.effects.keeps, *vendor.effects.survives, *_unseen(vendor)),
        }
    )


def _lacking(vendor: VendorProfile, connection: Mapping[str, object]) -> frozenset[Capability]:
    """What this vendor cannot do: a person does it."""
    lacking = set() if vendor.create.allowed else {Capability.CREATES_ACCOUNTS}
    if not vendor.delete.exists:
        lacking.add(Capability.DELETES_ACCOUNTS)
    if not vendor.groups.exist or connection.get("groups") is False:
        lacking |= _GROUP_VERBS
    return frozenset(lacking)


def _final(vendor: VendorProfile) -> frozenset[str]:
    """The verbs that cannot be undone."""
    deletes = vendor.delete.exists and not vendor.delete.reversible
    return frozenset(["delete"] if deletes else []) | frozenset([] if vendor.disable.reversible else ["disable"])


def _losses(vendor: VendorProfile) -> dict[str, tuple[str, ...]]:
    stated = {"disable": vendor.disable.destroys, "delete": vendor.delete.destroys}
    return {verb: lost for verb, lost in stated.items() if lost}


def _disable_sentence(vendor: VendorProfile) -> str:
    done = _DISABLE[vendor.disable.verb]
    gone = " It deletes the user." if vendor.disable.deletes else " The account stays."
    sure = "" if vendor.disable.confidence is Confidence.DOCUMENTED else " The vendor's own word for it was not found."
    return f"{done}{gone}{sure}"


def _sessions(vendor: VendorProfile) -> tuple[str, ...]:
    lag = vendor.sessions.max_lag_s
    most = () if lag is None else (f"Sessions end after {lag} seconds at the latest.",)
    return (*_SESSIONS[vendor.sessions.ended_by], *most)


def _unseen(vendor: VendorProfile) -> tuple[str, ...]:
    return tuple(f"Not seen over SCIM: {what}" for what in vendor.effects.not_governed)
