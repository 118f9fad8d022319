"""What a person should have: design sections 4 and 6."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lastday.configuration.settings import AbsenceProfile
from lastday.model.access import AccountWish, Adopted, Deny, ReasonKind
from lastday.model.identity import EngagementStatus, Lifecycle
from lastday.model.ids import ApplicationName, IdentityId
from lastday.policy.compiled import compile_policy
from lastday.policy.desired import desired_access
from tests.unit.policy.companies import (
    DAY,
    ENGINEER,
    FINANCE,
    NOW,
    PAYROLL,
    ROLES,
    account_of,
    configuration,
    engagement,
    held,
    identity,
    ref,
    refs,
)

POLICY = compile_policy(configuration())
ME = IdentityId("i-1")


def reasons(access, text):
    found = [given for a in access.accounts for given in a.assignments if given.entitlement == ref(text)]
    return {reason.name for given in found for reason in given.reasons}


def wishes(access):
    return {account.application: account.wish for account in access.accounts}


def deny(text, until=None, person=ME):
    return Deny(identity=person, entitlement=ref(text), why="review", by="dana", until=until)


def adopt(text, since, person=ME):
    return Adopted(identity=person, entitlement=ref(text), since=since)


def test_roles_give_with_reasons_and_an_entitlement_implies_the_account():
    """S-43, S-44; design section 6."""
    access = desired_access(identity(engagement(**FINANCE)), POLICY, NOW)
    assert held(access) == {
        "directory:account", "chat:account", "directory:group/all-staff", "directory:group/finance",
        "ledger:account", "ledger:role/ledger_rw",
    }  # fmt: skip
    assert reasons(access, "ledger:account") == {"accountant"}
    assert reasons(access, "directory:account") == {"everyone", "accountant"}
    (reason,) = account_of(access, "ledger").assignments[0].reasons
    assert reason.detail == 'role accountant: department eq "Finance" and title co "Accountant"'
    assert reason.kind is ReasonKind.ROLE
    assert account_of(access, "chat").assignments[0].reasons[0].kind is ReasonKind.BIRTHRIGHT


def test_every_application_has_an_answer():
    """Design section 4: every application of the catalogue has an answer for that person."""
    access = desired_access(identity(engagement(**FINANCE)), POLICY, NOW)
    assert wishes(access) == {
        "chat": AccountWish.ACTIVE, "design": AccountWish.UNWANTED,
        "directory": AccountWish.ACTIVE, "ledger": AccountWish.ACTIVE,
    }  # fmt: skip
    assert account_of(access, "design").assignments == ()


def test_a_contractor_is_no_engineer():
    access = desired_access(identity(engagement(**ENGINEER, userType="Contractor")), POLICY, NOW)
    assert "directory:group/engineering" not in held(access)
    assert "directory:group/all-staff" in held(access)


def test_engagements_unite_and_attributes_do_not_mix():
    """Design section 6: roles are evaluated per live engagement and united."""
    both = desired_access(identity(engagement("A", **FINANCE), engagement("B", **ENGINEER)), POLICY, NOW)
    assert {"ledger:role/ledger_rw", "directory:group/engineering"} <= held(both)
    parts = [engagement("A", department="Finance", location="Berlin"), engagement("B", title="Accountant")]
    assert "ledger:role/ledger_rw" not in held(desired_access(identity(*parts), POLICY, NOW))


def test_a_reason_less_keeps_what_another_justifies():
    """S-43: removing one role keeps grants justified by another."""
    two = desired_access(identity(engagement(department="Engineering", location="Lisbon")), POLICY, NOW)
    one = desired_access(identity(engagement(department="Sales", location="Lisbon")), POLICY, NOW)
    none = desired_access(identity(engagement(department="Sales", location="Berlin")), POLICY, NOW)
    assert [reasons(access, "directory:group/vpn") for access in (two, one, none)] == [
        {"engineer", "traveller"},
        {"traveller"},
        set(),
    ]


def test_an_absent_attribute_gives_nothing_by_ne():
    """Design section 6: absent is false; a gap in the feed gives no access."""
    assert "directory:group/vpn" not in held(desired_access(identity(engagement()), POLICY, NOW))


def test_access_ends_at_the_instant_and_not_a_moment_sooner():
    """S-08, S-18: contract end."""
    person = identity(engagement(end=NOW, **FINANCE))
    before, after = (desired_access(person, POLICY, moment) for moment in (NOW - timedelta(microseconds=1), NOW))
    assert before.lifecycle is Lifecycle.ACTIVE
    assert "ledger:role/ledger_rw" in held(before)
    assert (after.lifecycle, held(after), set(wishes(after).values())) == (
        Lifecycle.ENDED,
        set(),
        {AccountWish.CLOSED},
    )


def test_one_job_less_keeps_the_access_of_the_other():
    person = identity(engagement("A", end=NOW, **FINANCE), engagement("B", **ENGINEER))
    access = desired_access(person, POLICY, NOW)
    assert access.profile is None
    assert "ledger:role/ledger_rw" not in held(access)
    assert "directory:group/engineering" in held(access)


def test_nothing_is_created_before_the_first_day_unless_a_role_says_so():
    """Birthright needs lifecycle active; a role that names the lifecycle may give earlier."""
    person = identity(engagement(start=NOW + 3 * DAY, **FINANCE))
    assert set(wishes(desired_access(person, POLICY, NOW)).values()) == {AccountWish.UNWANTED}
    early = {"early": ('lifecycle eq "preboarding" and startsAt lt now+7d', "chat:account"), **ROLES}
    policy = compile_policy(configuration(early))
    assert held(desired_access(person, policy, NOW)) == {"chat:account"}
    assert held(desired_access(person, policy, NOW - 5 * DAY)) == set()


def test_somebody_without_engagements_gets_nothing():
    access = desired_access(identity(), POLICY, NOW)
    assert set(wishes(access).values()) == {AccountWish.UNWANTED}


def test_leave_turns_accounts_off_and_keeps_what_they_hold():
    """S-02; design section 2: suspended is accounts off, access kept."""
    person = identity(engagement(status=EngagementStatus.SUSPENDED, **FINANCE))
    access = desired_access(person, POLICY, NOW, adopted=[adopt("design:plan/pro", NOW - DAY)])
    assert {(a.wish, a.keeps, a.assignments) for a in access.accounts} == {(AccountWish.SUSPENDED, ("*",), ())}


def test_garden_leave_keeps_what_is_listed():
    person = identity(engagement(status=EngagementStatus.RELEASED, **FINANCE))
    access = desired_access(person, POLICY, NOW)
    assert {a.application: (a.wish, a.keeps) for a in access.accounts} == {
        "chat": (AccountWish.SUSPENDED, ()),
        "design": (AccountWish.SUSPENDED, ()),
        "directory": (AccountWish.SUSPENDED, ("account",)),
        "ledger": (AccountWish.SUSPENDED, ()),
    }


def test_leave_may_keep_a_list():
    policy = compile_policy(
        configuration(suspended=AbsenceProfile(keep_all=False, keep=refs("chat:account chat:group/social")))
    )
    access = desired_access(identity(engagement(status=EngagementStatus.SUSPENDED)), policy, NOW)
    assert [account_of(access, name).keeps for name in ("chat", "ledger")] == [("account", "group/social"), ()]


def test_garden_leave_from_one_job_gives_nothing_through_another():
    person = identity(engagement("A", status=EngagementStatus.RELEASED, **FINANCE), engagement("B", **ENGINEER))
    access = desired_access(person, POLICY, NOW)
    assert access.lifecycle is Lifecycle.ACTIVE
    assert "ledger:role/ledger_rw" not in held(access)


@pytest.mark.parametrize(
    ("reason", "profile", "limit_s"),
    [
        ("for cause", "urgent", 120),
        ("FOR CAUSE", "urgent", 120),
        ("resigned", "standard", 900),
        (None, "standard", 900),
    ],
)
def test_the_first_leaver_profile_that_matches_says_how(reason, profile, limit_s):
    """Design section 6: only lifecycle decides when; a profile's `when` chooses how."""
    leaver = identity(engagement(end=NOW - DAY, endReason=reason or ""))
    access = desired_access(leaver, POLICY, NOW)
    assert (access.profile, access.limit_s) == (profile, limit_s)
    assert desired_access(leaver, POLICY, NOW - 2 * DAY).profile is None


def test_an_end_for_cause_counts_for_the_leaving_that_it_caused_only():
    old = engagement("A", start=NOW - 900 * DAY, end=NOW - 800 * DAY, endReason="for cause")
    job, side = (engagement(key, start=NOW - day * DAY, end=NOW - DAY) for key, day in (("B", 300), ("C", 100)))
    assert desired_access(identity(old, job, side), POLICY, NOW).profile == "standard"
    caused = replace(job, attributes=old.attributes)
    assert desired_access(identity(old, caused, side), POLICY, NOW).profile == "urgent"


def test_a_deny_outranks_every_reason_until_it_ends():
    """Design section 2: a review's removal is not given back by a role the next minute."""
    person = identity(engagement(department="Engineering", location="Lisbon"))
    adopted = [adopt("directory:group/vpn", NOW - DAY)]
    denied = desired_access(person, POLICY, NOW, adopted=adopted, denies=[deny("directory:group/vpn", NOW + DAY)])
    assert "directory:group/vpn" not in held(denied)
    assert "directory:group/engineering" in held(denied)
    ended = desired_access(person, POLICY, NOW, adopted=adopted, denies=[deny("directory:group/vpn", NOW)])
    assert reasons(ended, "directory:group/vpn") == {"engineer", "traveller", "directory"}
    other = desired_access(person, POLICY, NOW, denies=[deny("directory:group/vpn", person=IdentityId("i-2"))])
    assert "directory:group/vpn" in held(other)


def test_a_denied_account_takes_everything_in_its_application():
    person = identity(engagement(**FINANCE))
    access = desired_access(person, POLICY, NOW, denies=[deny("directory:account")])
    assert account_of(access, "directory").wish is AccountWish.UNWANTED
    assert held(access) == {"chat:account", "ledger:account", "ledger:role/ledger_rw"}


def test_a_denied_entitlement_implies_no_account():
    access = desired_access(identity(engagement(**FINANCE)), POLICY, NOW, denies=[deny("ledger:role/ledger_rw")])
    assert account_of(access, "ledger").wish is AccountWish.UNWANTED


def test_what_was_found_is_kept_while_the_person_stays():
    """Design section 2, adopted."""
    person = identity(engagement(**ENGINEER))
    access = desired_access(person, POLICY, NOW, adopted=[adopt("design:plan/pro", NOW - 9 * DAY)])
    assert held(access) >= {"design:account", "design:plan/pro"}
    (reason,) = account_of(access, "design").assignments[1].reasons
    assert (reason.kind, reason.detail) == (ReasonKind.ADOPTED, "found when design was connected on 2026-11-11")
    assert "design:plan/pro" not in held(
        desired_access(person, POLICY, NOW, adopted=[adopt("design:plan/pro", NOW, person=IdentityId("i-2"))])
    )


def test_a_rehire_gets_todays_birthright_and_nothing_old():
    """Issue 2, acceptance 3; a gap in one file counts although nobody looked during it."""
    before = engagement("A", end=NOW - 30 * DAY, **FINANCE)
    again = engagement("B", start=NOW - DAY, **ENGINEER)
    old = [adopt("design:plan/pro", NOW - 200 * DAY), adopt("ledger:role/ledger_rw", NOW - 31 * DAY)]
    access = desired_access(identity(before, again), POLICY, NOW, adopted=old)
    assert held(access) == held(desired_access(identity(again), POLICY, NOW))
    in_the_gap = [adopt("design:plan/pro", NOW - 20 * DAY), adopt("design:plan/pro", NOW - 30 * DAY)]
    assert "design:plan/pro" not in held(desired_access(identity(before, again), POLICY, NOW, adopted=in_the_gap))
    found_since = desired_access(identity(before, again), POLICY, NOW, adopted=[adopt("design:plan/pro", NOW - DAY)])
    assert "design:plan/pro" in held(found_since)
    seamless = replace(again, starts_at=before.ends_at)
    assert "design:plan/pro" in held(desired_access(identity(before, seamless), POLICY, NOW, adopted=old))


def test_an_active_account_has_the_mapped_attributes_of_the_leading_engagement():
    before = engagement("A", start=NOW - 900 * DAY, costCenter="100", displayName="Ada Old")
    today = engagement("B", start=NOW - DAY, displayName="Ada New", emails__value=("a@x.example", "b@x.example"))
    access = desired_access(identity(before, today), POLICY, NOW)
    assert dict(account_of(access, "directory").attributes) == {
        "displayName": ("Ada New",),
        "mail": ("a@x.example", "b@x.example"),
    }
    left = desired_access(identity(replace(today, ends_at=NOW)), POLICY, NOW)
    assert not dict(account_of(left, "directory").attributes)


def test_both_sides_of_a_separation_rule_are_a_violation_that_names_both_and_why():
    """Issue 2: SoD, a violating plan is stopped."""
    person = identity(engagement("A", **FINANCE), engagement("B", **PAYROLL))
    (finding,) = desired_access(person, POLICY, NOW).violations
    assert (finding.code, finding.severity, finding.subject) == ("P131", "error", "i-1")
    for part in ("ledger:role/ledger_rw", "ledger:role/payroll_rw", "One person must not", "role payroll"):
        assert part in finding.detail
    assert desired_access(person, POLICY, NOW, denies=[deny("ledger:role/payroll_rw")]).violations == ()
    one_side = identity(engagement("A", **FINANCE))
    assert desired_access(one_side, POLICY, NOW).violations == ()
    adopted = [adopt("ledger:role/payroll_rw", NOW - DAY)]
    assert len(desired_access(one_side, POLICY, NOW, adopted=adopted).violations) == 1


def test_the_policy_knows_which_entitlements_it_names():
    assert POLICY.named_entitlements[ApplicationName("ledger")] == {"role/ledger_rw", "role/payroll_rw"}
    assert "chat" not in POLICY.named_entitlements
