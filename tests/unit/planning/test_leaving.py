"""Who left is out: every linked account goes off and is emptied, in the order of design section 4."""

from datetime import timedelta

from lastday.model.access import AccountWish
from lastday.model.account import AccountKind, Correlation
from lastday.model.identity import EngagementStatus
from lastday.model.operation import Because, Verb
from lastday.planning.build import build_plan
from tests.unit.planning.people import (
    CHAT,
    DIRECTORY,
    LONG_AGO,
    MADE_FROM,
    NOW,
    a_leaver,
    a_person,
    a_profile,
    a_wish,
    an_account,
    an_engagement,
    an_identity,
    carried_out,
)


def plan_for(*people, profile=None, **options):
    known = profile or a_profile()
    return build_plan(people, {known.name: known}, MADE_FROM, NOW, **options)


def shape(plan):
    return [(o.verb.value, o.entitlement) for o in plan.operations]


def test_a_leaver_is_cut_off_before_anything_else_is_taken():
    """S-31: admin permissions before others, sign-in before all."""
    person = a_leaver("1", an_account("u1", "1", "group/staff", "group/payroll"))
    plan = plan_for(person, profile=a_profile(privileged=frozenset({"group/payroll"})))
    assert shape(plan) == [
        ("disable", None),
        ("end_sessions", None),
        ("revoke", "group/payroll"),
        ("revoke", "group/staff"),
    ]
    assert all(o.because is Because.LEFT and o.approval is None and o.stopped is None for o in plan.operations)


def test_what_nobody_manages_goes_too_when_its_holder_leaves():
    """Design section 6: leavers lose everything that is correlated."""
    plan = plan_for(a_leaver("1", an_account("u1", "1", "group/odd")), profile=a_profile(managed=frozenset()))
    assert ("revoke", "group/odd") in shape(plan)


def test_every_account_of_a_leaver_is_closed():
    """S-05: more than one account in one application, the administrator's account included."""
    own, admin = an_account("u1", "1"), an_account("adm1", "1", kind=AccountKind.ADMIN)
    plan = plan_for(a_leaver("1", own, admin))
    assert {o.native_id for o in plan.operations if o.verb is Verb.DISABLE} == {"u1", "adm1"}


def test_an_account_is_deleted_after_the_keep_time_behind_all_other_steps():
    """S-03: never the default; hand-over before what destroys (design section 4)."""
    profile = a_profile(keep_for=timedelta(days=30), successor="heir")
    plan = plan_for(a_leaver("1", an_account("u1", "1", "group/staff")), profile=profile)
    delete = plan.operations[-1]
    assert delete.verb is Verb.DELETE
    assert delete.due_at == NOW - timedelta(hours=1) + timedelta(days=30)
    assert set(delete.after) == {o.id for o in plan.operations[:-1]}
    assert not delete.reversible
    assert all(o.after == () for o in plan.operations[:-1])


def test_between_the_disable_and_its_hour_a_deletion_is_not_proposed_again():
    profile = a_profile(keep_for=timedelta(days=30), successor="heir")
    assert plan_for(a_leaver("1", an_account("u1", "1", enabled=False)), profile=profile).operations == ()


def test_when_the_keep_time_is_over_the_hand_over_goes_before_the_deletion():
    profile = a_profile(keep_for=timedelta(days=30), successor="heir")
    plan = plan_for(a_leaver("1", an_account("u1", "1", enabled=False), ago=timedelta(days=31)), profile=profile)
    assert shape(plan) == [("transfer", None), ("delete", None)]
    assert plan.operations[1].after == (plan.operations[0].id,)


def test_without_a_keep_time_nothing_is_deleted():
    assert "delete" not in {verb for verb, _ in shape(plan_for(a_leaver("1", an_account("u1", "1"))))}


def test_on_leave_the_account_is_off_and_keeps_what_it_holds():
    """S-02: disable is reversible with the entitlements kept."""
    identity = an_identity("1", an_engagement("1", status=EngagementStatus.SUSPENDED))
    wish = a_wish(AccountWish.SUSPENDED, keeps=("*",))
    plan = plan_for(a_person(identity, wish, accounts=[an_account("u1", "1", "group/staff")]))
    assert shape(plan) == [("disable", None), ("end_sessions", None)]
    assert {o.because for o in plan.operations} == {Because.ON_LEAVE}


def test_on_garden_leave_what_is_not_kept_is_taken():
    identity = an_identity("1", an_engagement("1", status=EngagementStatus.RELEASED))
    wish = a_wish(AccountWish.SUSPENDED, keeps=("account", "group/staff"))
    plan = plan_for(a_person(identity, wish, accounts=[an_account("u1", "1", "group/staff", "group/vpn")]))
    assert ("revoke", "group/vpn") in shape(plan)
    assert ("revoke", "group/staff") not in shape(plan)


def test_where_the_disable_destroys_it_waits_for_the_hand_over_and_says_so():
    """Design section 8: `destroys` makes a verified hand-over a hard precondition."""
    profile = a_profile(destroys=frozenset({"disable"}), successor="heir")
    plan = plan_for(a_leaver("1", an_account("u1", "1", "group/staff")), profile=profile)
    by_verb = {o.verb: o for o in plan.operations}
    assert by_verb[Verb.DISABLE].after == (by_verb[Verb.TRANSFER].id,)
    assert not by_verb[Verb.DISABLE].reversible
    assert "cannot be undone" in by_verb[Verb.DISABLE].detail
    assert by_verb[Verb.REVOKE].after == by_verb[Verb.END_SESSIONS].after == ()


def test_where_nothing_can_be_handed_over_the_disable_waits_for_nothing():
    """SCIM gives things to nobody: the preserve check is what stands before it then."""
    profile = a_profile(destroys=frozenset({"disable"}), capabilities=frozenset({"disables_accounts"}), successor="x")
    (disable,) = plan_for(a_leaver("1", an_account("u1", "1")), profile=profile).operations
    assert (disable.verb, disable.after, disable.destroys) == (Verb.DISABLE, (), True)


def test_nobody_on_leave_loses_an_account_for_good():
    """S-02: a leave is reversible; where the disable is not, the account stays on and a person is told (A307)."""
    identity = an_identity("1", an_engagement("1", status=EngagementStatus.RELEASED))
    wish = a_wish(AccountWish.SUSPENDED, keeps=("account", "group/staff"))
    person = a_person(identity, wish, accounts=[an_account("u1", "1", "group/staff", "group/vpn")])
    plan = plan_for(person, profile=a_profile(destroys=frozenset({"disable"})))
    assert sorted(shape(plan)) == [("end_sessions", None), ("revoke", "group/vpn")]
    assert [finding.code for finding in plan.findings] == ["A307"]


def test_an_application_without_an_interface_gets_one_task_that_says_all():
    """Disconnected: a person removes; the next file is the read-back."""
    profile = a_profile(capabilities=frozenset(), disconnected=True)
    plan = plan_for(a_leaver("1", an_account("d1", "1", "plan/full")), profile=profile)
    (task,) = plan.operations
    assert (task.verb, task.manual) == (Verb.DISABLE, True)
    assert "plan/full" in task.detail


def test_protected_break_glass_and_doubtful_accounts_are_named_and_never_touched():
    """I-2, S-R T-14."""
    accounts = [
        an_account("p", "1", protected=True),
        an_account("b", "1", kind=AccountKind.BREAK_GLASS),
        an_account("x", "1", correlation=Correlation.AMBIGUOUS),
    ]
    plan = plan_for(a_leaver("1", *accounts))
    assert plan.operations == ()
    assert {f.subject for f in plan.findings} == {"directory/p", "directory/b", "directory/x"}


def test_an_account_that_others_depend_on_is_handed_on_not_switched_off():
    """S-07, S-13."""
    plan = plan_for(a_leaver("1", an_account("bot", "1", kind=AccountKind.SERVICE)))
    assert plan.operations == ()
    assert [f.code for f in plan.findings] == ["A303"]


def test_of_a_guest_only_membership_is_taken():
    plan = plan_for(a_leaver("1", an_account("g", "1", "group/staff", kind=AccountKind.GUEST)))
    assert shape(plan) == [("revoke", "group/staff")]


def test_no_account_is_an_answer_too():
    """S-20: "no account found" is positive evidence."""
    (note,) = plan_for(a_leaver("1")).no_operations
    assert note.application == DIRECTORY


def test_an_application_that_could_not_be_read_yields_nothing():
    """Design section 1.3: unknown is not empty."""
    person = a_leaver("1", an_account("u1", "1"), an_account("c1", "1", application=CHAT))
    profiles = {name: a_profile(name) for name in (DIRECTORY, CHAT)}
    plan = build_plan([person], profiles, MADE_FROM, NOW, unreadable=[CHAT])
    assert not plan.complete
    assert {o.application for o in plan.operations} == {DIRECTORY}
    assert {n.application for n in plan.no_operations} <= {DIRECTORY}


def test_a_second_plan_after_the_first_has_no_operation():
    """I-6."""
    person = a_leaver("1", an_account("u1", "1", "group/staff", since=LONG_AGO))
    after = carried_out(plan_for(person).operations, person)
    assert plan_for(after).operations == ()


def test_sessions_that_are_not_known_to_be_ended_are_ended_although_the_account_is_off():
    person = a_leaver("1", an_account("u1", "1", enabled=False), sessions_open=frozenset({(DIRECTORY, "u1")}))
    assert shape(plan_for(person)) == [("end_sessions", None)]


def test_what_another_account_of_the_same_id_handed_over_counts_for_nothing():
    """Found by reading: the deletion came without a hand-over, and took what the account owned with it."""
    profile = a_profile(successor="manager", keep_for=timedelta(days=30))
    elsewhere = frozenset({(CHAT, "u1")})
    person = a_leaver("1", an_account("u1", "1"), handed_over=elsewhere)
    assert ("transfer", None) in shape(plan_for(person, profile=profile))
    person = a_leaver("1", an_account("u1", "1"), handed_over=frozenset({(DIRECTORY, "u1")}))
    assert ("transfer", None) not in shape(plan_for(person, profile=profile))


def test_the_identity_provider_goes_before_every_other_sign_in():
    person = a_leaver("1", an_account("u1", "1"), an_account("c1", "1", application=CHAT))
    profiles = {DIRECTORY: a_profile(identity_provider=True), CHAT: a_profile(CHAT)}
    plan = build_plan([person], profiles, MADE_FROM, NOW)
    assert [o.application for o in plan.operations if o.verb is Verb.DISABLE] == [DIRECTORY, CHAT]
