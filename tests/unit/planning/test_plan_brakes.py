"""Brakes on removals for other causes than leaving, and on giving (design section 7)."""

from dataclasses import replace
from datetime import timedelta

from lastday.configuration.settings import BrakeSettings
from lastday.model.access import AccountWish
from lastday.model.account import EntitlementRef
from lastday.model.batch import Brake
from lastday.model.identity import EngagementStatus
from lastday.model.ids import IdentityId, NativeId
from lastday.model.operation import Because, Verb
from lastday.planning.brakes import apply_stops
from lastday.planning.build import build_plan
from lastday.planning.plan_brakes import CountedEffect, PlanBase, check_plan_brakes, less_released
from tests.unit.planning.people import (
    DIRECTORY,
    MADE_FROM,
    NOW,
    a_leaver,
    a_person,
    a_profile,
    a_wish,
    an_account,
    an_engagement,
    an_identity,
)

VPN = EntitlementRef(DIRECTORY, "group/vpn")
PROFILES = {DIRECTORY: a_profile()}
DEFAULTS = BrakeSettings()


def a_base(accounts=420, members=420, **more):
    return PlanBase(accounts={DIRECTORY: accounts}, members={VPN: members}, **more)


def plan_of(*people, profiles=PROFILES, **options):
    return build_plan(people, profiles, MADE_FROM, NOW, **options)


def losers(count):
    """People who stay and lose the VPN."""
    return [
        a_person(
            an_identity(f"{n:03}"),
            a_wish(AccountWish.ACTIVE),
            accounts=[an_account(f"u{n:03}", f"{n:03}", "group/vpn")],
        )
        for n in range(count)
    ]


def winners(count):
    return [
        a_person(
            an_identity(f"{n:03}"),
            a_wish(AccountWish.ACTIVE, "group/vpn"),
            accounts=[an_account(f"u{n:03}", f"{n:03}")],
        )
        for n in range(count)
    ]


def joiners(count):
    return [a_person(an_identity(f"{n:03}"), a_wish(AccountWish.ACTIVE)) for n in range(count)]


def check(plan, base, effects=(), settings=DEFAULTS):
    return check_plan_brakes(plan, base, effects, settings, NOW)


def codes(tripped):
    return {one.brake for one in tripped}


def test_removals_over_ten_percent_of_an_application_are_stopped():
    assert check(plan_of(*losers(42)), a_base()) == ()
    (tripped,) = check(plan_of(*losers(43)), a_base())
    assert (tripped.brake, tripped.counted, tripped.limit) == (Brake.REMOVALS_OF_APPLICATION, 43, 42)
    assert tripped.application == DIRECTORY


def test_in_a_small_application_five_removals_pass_and_six_do_not():
    assert codes(check(plan_of(*losers(5)), a_base(20))) == set()
    assert codes(check(plan_of(*losers(6)), a_base(20))) == {Brake.REMOVALS_OF_APPLICATION}


def test_removals_over_a_quarter_of_a_group_are_stopped():
    assert check(plan_of(*losers(5)), a_base(members=20)) == ()
    assert codes(check(plan_of(*losers(5)), a_base(members=19))) == {Brake.REMOVALS_OF_ENTITLEMENT}
    assert check(plan_of(*losers(4)), a_base(members=4)) == ()


def test_more_than_twenty_removals_by_one_change_of_policy_are_stopped():
    assert check(plan_of(*losers(20)), a_base(policy_change=True)) == ()
    assert codes(check(plan_of(*losers(21)), a_base(policy_change=True))) == {Brake.REMOVALS_OF_POLICY}
    assert check(plan_of(*losers(21)), a_base()) == ()


def test_the_acceptance_of_a_first_load_covers_nobody_else():
    """Another source's people would be given anything while its first batch is open."""
    assert codes(check(plan_of(*joiners(11)), a_base(0, accepted=frozenset({"somebody else"}))))


def test_of_a_tripping_set_exactly_the_released_go():
    """Design section 7: release by name; whoever was not named stays held."""
    (tripped,) = check(plan_of(*losers(6)), a_base(20))
    first, *others = tripped.identities
    assert [one.identities for one in less_released((tripped,), {first})] == [tuple(others)]
    assert less_released((tripped,), set(tripped.identities)) == ()


def test_what_leavers_lose_is_not_counted_here():
    people = [a_leaver(f"{n:03}", an_account(f"u{n:03}", f"{n:03}", "group/vpn")) for n in range(100)]
    assert check(plan_of(*people), a_base(policy_change=True)) == ()


def test_a_wave_of_leave_is_counted():
    """A feed that puts everybody on leave would cut everybody off just as well."""
    people = [
        a_person(
            an_identity(f"{n:03}", an_engagement(f"{n:03}", status=EngagementStatus.SUSPENDED)),
            a_wish(AccountWish.SUSPENDED, keeps=("*",)),
            accounts=[an_account(f"u{n:03}", f"{n:03}")],
        )
        for n in range(43)
    ]
    assert codes(check(plan_of(*people), a_base())) == {Brake.REMOVALS_OF_APPLICATION}


def an_effect(number, ago=timedelta(hours=1), **changes):
    plain = CountedEffect(
        identity=IdentityId(f"i-{number}"),
        application=DIRECTORY,
        native_id=NativeId(f"u{number}"),
        verb=Verb.REVOKE,
        entitlement="group/vpn",
        because=Because.NO_REASON,
        at=NOW - ago,
    )
    return replace(plain, **changes)


def test_what_was_done_in_the_last_day_counts_once_and_older_does_not():
    plan = plan_of(*losers(40))
    assert check(plan, a_base(), [an_effect(f"{n:03}") for n in range(40)]) == ()
    assert codes(check(plan, a_base(), [an_effect(f"p{n}") for n in range(3)])) == {Brake.REMOVALS_OF_APPLICATION}
    assert check(plan, a_base(), [an_effect(f"p{n}", timedelta(hours=25)) for n in range(3)]) == ()


def test_new_accounts_over_ten_percent_are_stopped_but_not_at_an_accepted_first_load():
    assert check(plan_of(*joiners(10)), a_base(0)) == ()
    assert codes(check(plan_of(*joiners(11)), a_base(0))) == {Brake.NEW_ACCOUNTS}
    assert check(plan_of(*joiners(11)), a_base(0, accepted=frozenset(who.identity.id for who in joiners(11)))) == ()
    assert check(plan_of(*joiners(42)), a_base()) == ()
    assert codes(check(plan_of(*joiners(43)), a_base())) == {Brake.NEW_ACCOUNTS}


def test_an_entitlement_that_grows_by_half_is_stopped():
    assert check(plan_of(*winners(5)), a_base(members=10)) == ()
    assert codes(check(plan_of(*winners(5)), a_base(members=9))) == {Brake.ENTITLEMENT_GROWTH}
    assert check(plan_of(*winners(4)), a_base(members=1)) == ()


def test_something_privileged_is_not_given_without_an_approval():
    base = a_base(privileged=frozenset({VPN}))
    assert codes(check(plan_of(*winners(1)), base)) == {Brake.PRIVILEGED_GIVEN}
    waiting = {DIRECTORY: a_profile(privileged=frozenset({"group/vpn"}))}
    assert check(plan_of(*winners(1), profiles=waiting), base) == ()


def test_zero_means_that_nothing_passes():
    for changed in (
        BrakeSettings(removals_floor=0),
        BrakeSettings(removals_percent=0),
        BrakeSettings(entitlement_removals_percent=0),
        BrakeSettings(entitlement_removals_floor=0),
    ):
        assert check(plan_of(*losers(1)), a_base(), settings=changed)
    assert check(plan_of(*losers(1)), a_base(policy_change=True), settings=BrakeSettings(policy_removals=0))
    assert check(plan_of(*joiners(1)), a_base(), settings=BrakeSettings(new_accounts_floor=0))
    assert check(plan_of(*winners(1)), a_base(), settings=BrakeSettings(entitlement_growth_floor=0))


def test_only_what_tripped_is_stopped():
    leaver = a_leaver("900", an_account("u900", "900", "group/vpn"))
    plan = plan_of(*losers(43), leaver)
    held = apply_stops(plan, check(plan, a_base()))
    assert {o.stopped for o in held.operations if o.identity == "i-900"} == {None}
    assert {o.stopped for o in held.operations if o.identity != "i-900"} == {"B111"}
