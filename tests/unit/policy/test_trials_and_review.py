"""A policy is tested and reviewed before it decides: design section 6, issue 2 `lastday check`."""

from dataclasses import replace

import pytest

from lastday.configuration.settings import SodSettings
from lastday.policy.compiled import compile_policy
from lastday.policy.review import review_policy
from lastday.policy.trials import run_policy_tests
from tests.unit.policy.companies import ROLES, at, configuration, ref, trial

CONTRACTOR = {"lifecycle": "active", "department": "Engineering", "userType": "contractor"}


def failures(*tests):
    return run_policy_tests(compile_policy(configuration(tests=tests)))


def faults(roles=ROLES, **other):
    return review_policy(compile_policy(configuration(roles, **other)))


def test_the_test_of_the_example_company_passes():
    """northwind.toml, [[test]]."""
    assert failures(trial(CONTRACTOR, has="directory:account", has_not="directory:group/engineering")) == ()


def test_a_failing_test_names_its_place_and_why():
    (missing, excess) = failures(trial(CONTRACTOR, has="directory:group/vpn", has_not="chat:account", line=77))
    assert {missing.code, excess.code} == {"P140"}
    assert {missing.subject, excess.subject} == {"lastday.toml:77:1"}
    assert "directory:group/vpn should be given and is not" in missing.detail
    assert 'the rule excludes `userType eq "contractor"`, and userType is contractor' in missing.detail
    assert "chat:account should not be given and is" in excess.detail
    assert "role everyone" in excess.detail


def test_the_person_of_a_test_is_active_unless_told_otherwise():
    assert failures(trial({}, has="chat:account")) == ()
    for lifecycle in ("preboarding", "suspended", "released", "ended"):
        assert failures(trial({"lifecycle": lifecycle}, has_not="chat:account")) == ()
    assert failures(trial({"startsAt": "2026-01-06T00:00:00Z"}, has_not="chat:account")) == ()
    assert failures(trial({"endsAt": "2026-01-05T12:00:00Z"}, has_not="chat:account")) == ()


def test_a_test_that_cannot_be_read_fails():
    (finding,) = failures(trial({"lifecycle": "gone"}, has="chat:account"))
    assert "there is no lifecycle 'gone'" in finding.detail


def test_the_example_company_has_no_fault():
    assert faults() == ()


@pytest.mark.parametrize("give", ["ledger:role/ledger_rw ledger:role/payroll_rw"])
def test_a_role_that_gives_both_sides_is_a_fault(give):
    (finding,) = faults({**ROLES, "both": ('title eq "Boss"', give)})
    assert (finding.code, finding.severity) == ("P132", "error")
    assert finding.subject == "lastday.toml:15:1"
    assert "pay-and-book" in finding.detail


def test_an_unknown_application_is_a_fault_wherever_it_is_named():
    rule = SodSettings(name="x", both=(ref("chat:account"), ref("mail:account")), why="why", position=at(91))
    found = faults({"a": ('title eq "Boss"', "leger:role/x")}, sod=(rule,))
    assert [(finding.code, finding.subject) for finding in found] == [
        ("P133", "lastday.toml:10:1"),
        ("P133", "lastday.toml:91:1"),
    ]


def test_a_leaver_profile_after_the_default_is_a_fault():
    found = faults(leavers=(("standard", None, 15), ("urgent", 'endReason eq "for cause"', 2)))
    assert [(finding.code, finding.subject) for finding in found] == [("P134", "lastday.toml:61:1")]


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ('lifecycle eq "suspended"', "P135"),
        ('department eq "A" and lifecycle eq "Ended"', "P135"),
        ('lifecycle eq "preboarding"', None),
        ('not (lifecycle eq "ended")', None),
        ("startDate lt now", "P136"),
        ('title pr or not (engagements[hired lt now-1d] and location eq "x")', "P136"),
        ("startsAt lt now and engagements[endsAt gt now+7d]", None),
    ],
)
def test_a_role_that_cannot_work_is_a_fault(when, code):
    found = faults({"r": (when, "chat:account")})
    assert [finding.code for finding in found] == ([] if code is None else [code])


def test_a_role_named_in_two_rules_is_told_for_each():
    base = configuration({"both": ('title eq "Boss"', "ledger:role/ledger_rw ledger:role/payroll_rw")})
    twice = replace(base, sod=(*base.sod, replace(base.sod[0], name="again")))
    assert len(review_policy(compile_policy(twice))) == 2
