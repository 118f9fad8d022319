"""People who are here get what is assigned, and lose only what is managed, denied or from before they left."""

from dataclasses import replace
from datetime import timedelta

from lastday.configuration.settings import Mode
from lastday.model.access import AccountWish
from lastday.model.account import AccountKind, Correlation, EntitlementRef, ObservedHolding, Via
from lastday.model.operation import Because, Verb
from lastday.planning.build import build_plan
from tests.unit.planning.people import (
    DIRECTORY,
    LONG_AGO,
    MADE_FROM,
    NOW,
    a_person,
    a_profile,
    a_wish,
    an_account,
    an_engagement,
    an_identity,
    carried_out,
)

ACTIVE = AccountWish.ACTIVE


def plan_for(*people, profile=None, **options):
    known = profile or a_profile()
    return build_plan(people, {known.name: known}, MADE_FROM, NOW, **options)


def shape(plan):
    return [(o.verb.value, o.entitlement) for o in plan.operations]


def test_a_joiner_gets_an_account_with_its_key_and_then_what_is_assigned():
    """S-12."""
    wish = a_wish(ACTIVE, "group/staff", attributes={"title": "Engineer"})
    plan = plan_for(a_person(an_identity("7"), wish, case_reason=Because.JOINED))
    create, give = plan.operations
    assert (create.verb, create.because) == (Verb.CREATE, Because.JOINED)
    assert create.payload.one("employeeNumber") == "7"
    assert create.payload.one("title") == "Engineer"
    assert create.name_candidates[:2] == ("ada.l7", "ada.l72")
    assert (give.entitlement, give.after, give.native_id) == ("group/staff", (create.id,), None)


def test_without_a_key_no_account_is_made():
    """What could never be found again must not be made."""
    person = a_person(an_identity("7"), a_wish(ACTIVE))
    plan = plan_for(person, profile=a_profile(proof=(("externalId", "cardNumber"),)))
    assert plan.operations == ()
    assert [f.code for f in plan.findings] == ["A305"]


def test_a_mover_loses_what_no_role_gives_and_gets_the_new():
    """S-09, S-22."""
    account = an_account("u", "1", "group/staff", "group/finance")
    person = a_person(
        an_identity("1"), a_wish(ACTIVE, "group/staff", "group/vpn"), accounts=[account], case_reason=Because.ROLE_LOST
    )
    plan = plan_for(person)
    assert shape(plan) == [("revoke", "group/finance"), ("give", "group/vpn")]
    assert [o.because for o in plan.operations] == [Because.ROLE_LOST, Because.ROLE_GAINED]


def test_a_managed_holding_without_a_reason_is_taken_naming_that():
    """S-01."""
    person = a_person(an_identity("1"), a_wish(ACTIVE), accounts=[an_account("u", "1", "group/vpn")])
    (revoke,) = plan_for(person).operations
    assert (revoke.verb, revoke.because) == (Verb.REVOKE, Because.NO_REASON)


def test_what_is_not_managed_stays_and_is_shown_as_drift():
    """Design section 6."""
    plan = plan_for(a_person(an_identity("1"), a_wish(ACTIVE), accounts=[an_account("u", "1", "group/odd")]))
    assert plan.operations == ()
    assert [f.code for f in plan.drift] == ["A306"]


def test_a_denied_holding_is_taken_although_it_is_not_managed():
    denied = frozenset({EntitlementRef(DIRECTORY, "group/odd")})
    person = a_person(an_identity("1"), a_wish(ACTIVE), accounts=[an_account("u", "1", "group/odd")], denied=denied)
    (revoke,) = plan_for(person).operations
    assert revoke.because is Because.DENIED


def test_a_holding_that_a_group_carries_is_not_removed_singly():
    account = an_account("u", "1")
    carried = replace(account.observed, holdings=(ObservedHolding("group/vpn", Via.GROUP),))
    plan = plan_for(a_person(an_identity("1"), a_wish(ACTIVE), accounts=[replace(account, observed=carried)]))
    assert plan.operations == ()
    assert [f.code for f in plan.findings] == ["A304"]


def test_a_rehire_gets_todays_access_and_nothing_old():
    """Issue acceptance 3: what was seen before they left goes, managed or not; then on; then what is missing."""
    identity = an_identity(
        "1",
        an_engagement("1", ends=NOW - timedelta(days=10)),
        an_engagement("9", starts=NOW - timedelta(hours=5)),
    )
    account = an_account("u", "1", "group/odd", "group/staff", "group/finance", enabled=False)
    person = a_person(identity, a_wish(ACTIVE, "group/staff", "group/vpn"), accounts=[account])
    plan = plan_for(person)
    assert shape(plan) == [
        ("revoke", "group/finance"),
        ("revoke", "group/odd"),
        ("enable", None),
        ("give", "group/vpn"),
    ]
    assert {o.because for o in plan.operations if o.verb is Verb.REVOKE} == {Because.ENDED_BEFORE_REHIRE}


def test_what_was_given_after_the_rehire_is_not_old():
    identity = an_identity(
        "1",
        an_engagement("1", ends=NOW - timedelta(days=10)),
        an_engagement("9", starts=NOW - timedelta(days=5)),
    )
    account = an_account("u", "1", "group/odd", since=NOW - timedelta(days=4))
    assert plan_for(a_person(identity, a_wish(ACTIVE), accounts=[account])).operations == ()


def test_who_comes_back_from_leave_is_switched_on_and_keeps_what_they_held():
    account = an_account("u", "1", "group/staff", enabled=False)
    plan = plan_for(a_person(an_identity("1"), a_wish(ACTIVE, "group/staff"), accounts=[account]))
    assert [(o.verb, o.because) for o in plan.operations] == [(Verb.ENABLE, Because.CAME_BACK)]


def test_a_rename_is_an_update_of_the_mapped_attributes_that_differ():
    profile = a_profile(attributes=(("displayName", "displayName"), ("mail", "emails.value"), ("title", "title")))
    account = an_account("u", "1", attributes={"displayName": "Z K", "mail": "z@x", "title": "Old"})
    wish = a_wish(ACTIVE, attributes={"displayName": "Z W", "mail": "z@x"})
    (update,) = plan_for(a_person(an_identity("1"), wish, accounts=[account]), profile=profile).operations
    assert update.verb is Verb.UPDATE
    assert list(update.payload) == ["displayName"]
    assert update.cleared == ("title",)


def test_the_personal_account_is_used_and_the_administrators_one_left_alone():
    admin = an_account("adm", "1", "group/vpn", kind=AccountKind.ADMIN)
    own = an_account("u", "1")
    plan = plan_for(a_person(an_identity("1"), a_wish(ACTIVE, "group/staff"), accounts=[admin, own]))
    assert [(o.native_id, o.entitlement) for o in plan.operations] == [("u", "group/staff")]


def test_an_account_in_doubt_gets_no_second_one_beside_it():
    doubtful = an_account("u", "1", correlation=Correlation.AMBIGUOUS)
    plan = plan_for(a_person(an_identity("1"), a_wish(ACTIVE, "group/staff"), accounts=[doubtful]))
    assert plan.operations == ()
    assert [f.code for f in plan.findings] == ["A302"]


def test_an_account_of_somebody_else_is_never_used():
    """I-15: the trap of the same name and mail."""
    plan = plan_for(a_person(an_identity("2"), a_wish(ACTIVE), accounts=[an_account("u", "1")]))
    assert [o.verb for o in plan.operations] == [Verb.CREATE]


def test_an_account_that_nothing_asks_for_goes_off_where_accounts_are_managed():
    unwanted = a_wish(AccountWish.UNWANTED)
    plan = plan_for(a_person(an_identity("1"), unwanted, accounts=[an_account("u", "1", "group/vpn")]))
    assert shape(plan) == [("disable", None), ("end_sessions", None), ("revoke", "group/vpn")]


def test_an_account_that_nothing_asks_for_stays_on_while_it_holds_what_is_not_managed():
    unwanted = a_wish(AccountWish.UNWANTED)
    plan = plan_for(a_person(an_identity("1"), unwanted, accounts=[an_account("u", "1", "group/vpn", "group/odd")]))
    assert shape(plan) == [("revoke", "group/vpn")]


def test_where_nothing_is_managed_an_unwanted_account_is_left_alone():
    unwanted = a_wish(AccountWish.UNWANTED)
    person = a_person(an_identity("1"), unwanted, accounts=[an_account("u", "1", "plan/full")])
    assert plan_for(person, profile=a_profile(managed=frozenset())).operations == ()


def test_observe_lists_everything_and_lets_nothing_go():
    person = a_person(an_identity("1"), a_wish(ACTIVE, "group/vpn"), accounts=[an_account("u", "1")])
    plan = plan_for(person, profile=a_profile(mode=Mode.OBSERVE))
    assert [o.stopped for o in plan.operations] == ["observe"]
    assert not plan.applyable


def test_propose_waits_for_approval():
    person = a_person(an_identity("1"), a_wish(ACTIVE, "group/vpn"), accounts=[an_account("u", "1")])
    assert [o.approval for o in plan_for(person, profile=a_profile(mode=Mode.PROPOSE)).operations] == ["propose"]


def test_what_is_privileged_waits_for_approval_unless_a_first_load_was_accepted():
    profile = a_profile(privileged=frozenset({"group/vpn"}))
    person = a_person(an_identity("1"), a_wish(ACTIVE, "group/vpn"), accounts=[an_account("u", "1")])
    assert [o.approval for o in plan_for(person, profile=profile).operations] == ["privileged"]
    accepted = plan_for(person, profile=profile, giving_accepted=(person.identity.id,))
    assert [o.approval for o in accepted.operations] == [None]


def test_a_second_plan_after_the_first_has_no_operation():
    """I-6: joiner."""
    wish = a_wish(ACTIVE, "group/staff", attributes={"title": "x"})
    person = a_person(an_identity("7"), wish, case_reason=Because.JOINED)
    profile = a_profile(attributes=(("title", "title"),))
    after = carried_out(plan_for(person, profile=profile).operations, person)
    again = plan_for(after, profile=profile)
    assert again.operations == ()
    assert again.no_operations


def test_an_account_that_vanished_is_made_anew():
    gone = an_account("u", "1", exists=False, since=LONG_AGO)
    assert shape(plan_for(a_person(an_identity("1"), a_wish(ACTIVE), accounts=[gone]))) == [("create", None)]


def test_an_administrators_account_of_an_earlier_employment_is_closed_at_the_rehire():
    """A gap told by one file is a leaver and a rehire: what the leaving would have closed is closed."""
    identity = an_identity(
        "1",
        an_engagement("1", ends=NOW - timedelta(days=10)),
        an_engagement("9", starts=NOW - timedelta(hours=5)),
    )
    accounts = [an_account("u", "1"), an_account("adm", "1", "group/odd", kind=AccountKind.ADMIN)]
    plan = plan_for(a_person(identity, a_wish(ACTIVE), accounts=accounts))
    assert [(o.native_id, o.verb) for o in plan.operations] == [("adm", Verb.DISABLE), ("adm", Verb.REVOKE)]
    assert {o.because for o in plan.operations} == {Because.ENDED_BEFORE_REHIRE}
