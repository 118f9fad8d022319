"""Accounts that nobody legitimate owns, and what was given behind our back (S-51, S-11, S-22)."""

from datetime import timedelta

from lastday.inventory.orphans import drift, orphans
from lastday.model.account import AccountKind, Correlation
from lastday.model.ids import ApplicationName, NativeId
from tests.unit.inventory.accounts import NOW, a_person, an_account, an_engagement

HERE = a_person("here", an_engagement("E1"))
GONE = a_person("gone", an_engagement("E2", ends=NOW - timedelta(days=3)))


def codes(*accounts):
    return [(finding.code, finding.subject) for finding in orphans(accounts, [HERE, GONE], NOW)]


def test_each_kind_of_orphan_is_named():
    found = codes(
        an_account("left", identity="gone"),
        an_account("nobody"),
        an_account("unknown", identity="deleted"),
    )
    assert found == [
        ("A201", "directory/left"),
        ("A202", "directory/nobody"),
        ("A204", "directory/unknown"),
    ]


def test_what_has_an_owner_or_waits_or_is_in_doubt_is_no_orphan():
    assert codes(an_account("a", identity="here")) == []
    assert codes(an_account("b", identity="gone", enabled=False)) == []
    assert codes(an_account("c", correlation=Correlation.AMBIGUOUS)) == []
    assert codes(an_account("d", protected=True)) == []
    assert codes(an_account("e", kind=AccountKind.BREAK_GLASS)) == []
    assert codes(an_account("f", exists=False)) == []


def test_a_holding_that_appeared_without_us_is_drift():
    before = [an_account("a", {}, "group/staff", identity="here")]
    after = [an_account("a", {}, "group/staff", "group/vpn", "group/odd", identity="here")]
    ours = [(ApplicationName("directory"), NativeId("a"), "group/vpn")]
    (finding,) = drift(before, after, ours)
    assert (finding.code, finding.subject) == ("A205", "directory/a")
    assert "group/odd" in finding.detail


def test_a_new_account_and_a_lost_holding_are_not_drift():
    before = [an_account("a", {}, "group/staff", identity="here")]
    assert drift(before, [an_account("a", identity="here"), an_account("b", {}, "group/odd")]) == ()
