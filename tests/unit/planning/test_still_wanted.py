"""Design section 1.1: a rehire always beats an old leaver's retry (I-5, T-32)."""

from datetime import timedelta

import pytest
from hypothesis import given

from lastday.model.access import AccountWish, DesiredAccess
from lastday.model.identity import Lifecycle
from lastday.model.operation import Because, Verb
from lastday.planning.build import build_plan
from lastday.planning.still_wanted import Wanted, still_wanted
from tests.unit.planning.people import (
    CHAT,
    DIRECTORY,
    MADE_FROM,
    NOW,
    a_leaver,
    a_person,
    a_profile,
    a_wish,
    an_account,
    an_identity,
)
from tests.unit.planning.test_build import PROFILES, worlds

KEPT = a_profile(keep_for=timedelta(days=30), successor="heir")


def planned(person, profile=KEPT):
    return build_plan([person], {profile.name: profile}, MADE_FROM, NOW).operations


def desired(wish, lifecycle=Lifecycle.ACTIVE):
    return DesiredAccess(
        identity=an_identity("1").id, at=NOW, lifecycle=lifecycle, accounts=(wish,), profile=None, limit_s=None
    )


def verdict(operation, wish, account, lifecycle=Lifecycle.ACTIVE, **more):
    return still_wanted(operation, desired(wish, lifecycle), account, KEPT, **more).wanted


def test_no_operation_of_a_leaver_survives_their_rehire():
    account = an_account("u", "1", "group/staff")
    here = a_wish(AccountWish.ACTIVE, "group/staff")
    operations = planned(a_leaver("1", account))
    assert {o.verb for o in operations} == {
        Verb.DISABLE,
        Verb.END_SESSIONS,
        Verb.REVOKE,
        Verb.TRANSFER,
        Verb.DELETE,
    }
    assert {verdict(o, here, account) for o in operations} == {Wanted.STALE}


def test_a_deletion_does_not_survive_a_rehire_that_ended_again():
    """The keep time begins anew with each leaving."""
    account = an_account("u", "1")
    delete = planned(a_leaver("1", account))[-1]
    closed = a_wish(AccountWish.CLOSED)
    first = NOW - timedelta(hours=1)
    ended = Lifecycle.ENDED
    assert verdict(delete, closed, account, ended, last_left_at=first) is Wanted.WANTED
    assert verdict(delete, closed, account, ended, last_left_at=first + timedelta(days=3)) is Wanted.STALE
    assert verdict(delete, closed, account, ended, last_left_at=None) is Wanted.STALE


def test_giving_does_not_survive_leaving():
    account = an_account("u", "1")
    here = a_person(an_identity("1"), a_wish(AccountWish.ACTIVE, "group/vpn"), accounts=[account])
    (give,) = planned(here)
    assert verdict(give, a_wish(AccountWish.CLOSED), account, Lifecycle.ENDED) is Wanted.STALE
    assert verdict(give, a_wish(AccountWish.ACTIVE), account) is Wanted.STALE
    assert verdict(give, a_wish(AccountWish.ACTIVE, "group/vpn"), account) is Wanted.WANTED
    assert verdict(give, a_wish(AccountWish.ACTIVE, "group/vpn"), None) is Wanted.STALE


def test_what_the_account_shows_already_needs_no_call():
    account = an_account("u", "1", "group/staff")
    off = an_account("u", "1", enabled=False)
    closed = a_wish(AccountWish.CLOSED)
    by_verb = {o.verb: o for o in planned(a_leaver("1", account))}
    for verb in (Verb.DISABLE, Verb.REVOKE):
        assert verdict(by_verb[verb], closed, account, Lifecycle.ENDED) is Wanted.WANTED
        assert verdict(by_verb[verb], closed, off, Lifecycle.ENDED) is Wanted.ALREADY_SO
        assert verdict(by_verb[verb], closed, None, Lifecycle.ENDED) is Wanted.ALREADY_SO
        assert verdict(by_verb[verb], closed, off.observed, Lifecycle.ENDED) is Wanted.ALREADY_SO


def test_that_an_account_is_off_says_nothing_of_its_sessions():
    account = an_account("u", "1")
    sessions = next(o for o in planned(a_leaver("1", account)) if o.verb is Verb.END_SESSIONS)
    off = an_account("u", "1", enabled=False)
    assert verdict(sessions, a_wish(AccountWish.CLOSED), off, Lifecycle.ENDED) is Wanted.WANTED


@pytest.mark.parametrize(("title", "answer"), [("New", Wanted.WANTED), ("Newer", Wanted.STALE)])
def test_an_update_goes_only_while_its_values_are_the_persons(title, answer):
    profile = a_profile(attributes=(("title", "title"),))
    account = an_account("u", "1", attributes={"title": "Old"})
    wish = a_wish(AccountWish.ACTIVE, attributes={"title": "New"})
    (update,) = planned(a_person(an_identity("1"), wish, accounts=[account]), profile)
    newer = a_wish(AccountWish.ACTIVE, attributes={"title": title})
    assert still_wanted(update, desired(newer), account, profile).wanted is answer
    done = an_account("u", "1", attributes={"title": "New"})
    if answer is Wanted.WANTED:
        assert still_wanted(update, desired(newer), done, profile).wanted is Wanted.ALREADY_SO


def test_a_kept_entitlement_is_not_revoked():
    account = an_account("u", "1", "group/staff")
    revoke = next(o for o in planned(a_leaver("1", account)) if o.verb is Verb.REVOKE)
    on_leave = a_wish(AccountWish.SUSPENDED, keeps=("*",))
    assert verdict(revoke, on_leave, account, Lifecycle.SUSPENDED) is Wanted.STALE


@given(worlds)
def test_a_fresh_plan_is_wanted_as_a_whole(world):
    """Planner and gateway agree: nothing that was just planned is stale."""
    plan = build_plan(list(world), PROFILES, MADE_FROM, NOW)
    people = {person.identity.id: person for person in world}
    for operation in plan.operations:
        person = people[operation.identity]
        account = next((a for a in person.accounts if a.id == operation.account), None)
        if account is None and operation.verb is not Verb.CREATE:
            continue
        profile = PROFILES[operation.application]
        answer = still_wanted(operation, person.desired, account, profile, last_left_at=person.last_left_at)
        assert answer.wanted is Wanted.WANTED, (operation, answer)


def test_an_application_that_the_policy_does_not_know_is_closed_for_who_left():
    account = an_account("c", "1", application=CHAT)
    leaver = a_leaver("1", account)
    silent = DesiredAccess(
        identity=leaver.identity.id, at=NOW, lifecycle=Lifecycle.ENDED, accounts=(), profile=None, limit_s=None
    )
    operation = next(o for o in planned(leaver, a_profile(CHAT)) if o.verb is Verb.DISABLE)
    assert still_wanted(operation, silent, account, a_profile(CHAT)).wanted is Wanted.WANTED
    assert operation.because is Because.LEFT
    assert operation.application != DIRECTORY
