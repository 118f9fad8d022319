"""What holds for every plan: properties over generated worlds, separation of duties, stops, administrators."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lastday.configuration.settings import Position, SodSettings
from lastday.connectors.sdk.protocols import Capability
from lastday.model.access import AccountWish
from lastday.model.account import AccountKind, Correlation, EntitlementRef
from lastday.model.finding import Finding, Severity
from lastday.model.identity import EngagementStatus
from lastday.model.ids import IdentityId
from lastday.model.operation import Because, Verb
from lastday.planning.administrators import Administrator
from lastday.planning.build import build_plan
from tests.unit.planning.people import (
    CHAT,
    DIRECTORY,
    EVERYTHING,
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

NAMES = ["group/staff", "group/vpn", "group/finance", "group/odd"]
PROFILES = {name: a_profile(name, attributes=(("title", "title"),)) for name in (DIRECTORY, CHAT)}
some_names = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)
kinds = st.sampled_from([AccountKind.PERSONAL, AccountKind.PERSONAL, AccountKind.ADMIN, AccountKind.GUEST])


@st.composite
def accounts_of(draw, number, application):
    return [
        an_account(
            f"{application}-{number}-{index}",
            number,
            *draw(some_names),
            application=application,
            enabled=draw(st.booleans()),
            exists=draw(st.sampled_from([True, True, True, False])),
            kind=draw(kinds),
            protected=draw(st.sampled_from([False, False, False, True])),
            correlation=draw(st.sampled_from([Correlation.MATCHED] * 4 + [Correlation.AMBIGUOUS])),
            since=NOW - timedelta(days=draw(st.integers(1, 60))),
            attributes={"title": draw(st.sampled_from(["a", "b"]))},
        )
        for index in range(draw(st.integers(0, 2)))
    ]


@st.composite
def engagements_of(draw, number):
    kind = draw(st.sampled_from(["here", "left", "leave", "garden", "rehired", "coming"]))
    left = an_engagement(number, ends=NOW - timedelta(days=draw(st.integers(1, 40))))
    return {
        "here": (an_engagement(number),),
        "left": (left,),
        "leave": (an_engagement(number, status=EngagementStatus.SUSPENDED),),
        "garden": (an_engagement(number, status=EngagementStatus.RELEASED),),
        "rehired": (left, an_engagement(f"{number}-2", starts=NOW - timedelta(hours=2))),
        "coming": (an_engagement(number, starts=NOW + timedelta(days=2)),),
    }[kind]


@st.composite
def persons(draw, number):
    identity = an_identity(number, *draw(engagements_of(number)))
    lifecycle = identity.lifecycle_at(NOW).value
    wishes = []
    for application in (DIRECTORY, CHAT):
        names = draw(some_names)
        wish = {
            "active": a_wish(
                draw(st.sampled_from([AccountWish.ACTIVE, AccountWish.UNWANTED])), application=application
            ),
            "ended": a_wish(AccountWish.CLOSED, application=application),
            "suspended": a_wish(AccountWish.SUSPENDED, application=application, keeps=("*",)),
            "released": a_wish(AccountWish.SUSPENDED, application=application, keeps=("account",)),
            "preboarding": a_wish(AccountWish.UNWANTED, application=application),
        }[lifecycle]
        if wish.wish is AccountWish.ACTIVE:
            wish = a_wish(AccountWish.ACTIVE, *names, application=application, attributes={"title": "a"})
        wishes.append(wish)
    accounts = [a for application in (DIRECTORY, CHAT) for a in draw(accounts_of(number, application))]
    return a_person(identity, *wishes, accounts=accounts)


worlds = st.integers(1, 3).flatmap(lambda n: st.tuples(*(persons(str(i)) for i in range(n))))


def plan_for(people, profiles=PROFILES, **options):
    return build_plan(list(people), profiles, MADE_FROM, NOW, **options)


@given(worlds)
def test_after_the_plan_is_carried_out_nothing_is_left_to_do(world):
    """I-6: the engine run twice on an unchanged world writes nothing."""
    plan = plan_for(world)
    after = [carried_out(plan.operations, person) for person in world]
    assert plan_for(after).operations == ()


@given(worlds)
def test_no_operation_touches_what_is_protected_or_in_doubt(world):
    """I-2."""
    safe = {
        (a.application, a.native_id)
        for person in world
        for a in person.accounts
        if a.protected or a.correlation is not Correlation.MATCHED
    }
    assert all((o.application, o.native_id) not in safe for o in plan_for(world).operations)


@given(worlds)
def test_no_operation_touches_an_account_of_somebody_else(world):
    """I-15: each person is handed everybody's accounts, and still only their own are acted on."""
    everything = tuple(a for person in world for a in person.accounts)
    owner = {(a.application, a.native_id): a.identity for a in everything}
    mixed = [replace(person, accounts=everything) for person in world]
    for operation in plan_for(mixed).operations:
        if operation.native_id is not None:
            assert owner[operation.application, operation.native_id] == operation.identity
    assert plan_for(mixed).hash == plan_for(world).hash


@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_makes_no_difference(world, random):
    """I-9."""
    shuffled = [replace(p, accounts=tuple(random.sample(p.accounts, len(p.accounts)))) for p in world]
    random.shuffle(shuffled)
    backwards = dict(reversed(PROFILES.items()))
    assert plan_for(shuffled, backwards) == plan_for(world)


@given(worlds)
def test_ids_are_the_same_each_time_and_never_shared(world):
    operations = plan_for(world).operations
    assert len({o.id for o in operations}) == len(operations)
    assert [o.id for o in plan_for(world).operations] == [o.id for o in operations]


@given(worlds)
def test_who_left_has_no_usable_account_afterwards(world):
    """I-1, but for accounts that nothing may touch."""
    plan = plan_for(world)
    for person in (carried_out(plan.operations, p) for p in world):
        if person.desired.lifecycle.value == "ended":
            open_ones = [a for a in person.accounts if a.exists and not a.protected and a.kind is not AccountKind.GUEST]
            certain = [a for a in open_ones if a.correlation is Correlation.MATCHED]
            assert not any(a.observed.enabled or a.observed.holdings for a in certain)


@given(worlds)
def test_edges_point_only_to_operations_of_the_same_account_in_the_plan(world):
    by_id = {o.id: o for o in plan_for(world).operations}
    for operation in by_id.values():
        for before in operation.after:
            assert by_id[before].application == operation.application
            assert by_id[before].identity == operation.identity


@given(worlds)
def test_everybody_has_an_answer_in_every_application(world):
    """S-20: operation, note or finding; silence is never ambiguous."""
    plan = plan_for(world)
    for person in world:
        for application in PROFILES:
            mine = [o for o in plan.operations if (o.identity, o.application) == (person.identity.id, application)]
            notes = [n for n in plan.no_operations if (n.identity, n.application) == (person.identity.id, application)]
            named = [f for f in plan.findings if f.subject.startswith(f"{application}/")]
            assert mine or notes or named


def a_separation(left, right):
    return SodSettings(
        name="pay-and-book",
        both=(EntitlementRef(DIRECTORY, left), EntitlementRef(DIRECTORY, right)),
        why="",
        position=Position(Path("x"), 1, 1),
    )


def in_violation(*accounts):
    person = a_person(
        an_identity("1"), a_wish(AccountWish.ACTIVE, "group/staff", "group/vpn", "group/finance"), accounts=accounts
    )
    broken = Finding(code="P131", severity=Severity.ERROR, subject="i-1", detail="both")
    return replace(person, desired=replace(person.desired, violations=(broken,)))


def test_both_sides_of_a_broken_separation_are_stopped_and_the_rest_goes():
    plan = plan_for(
        [in_violation(an_account("u", "1"))],
        {DIRECTORY: a_profile()},
        separations=[a_separation("group/vpn", "group/finance")],
    )
    assert {o.entitlement: o.stopped for o in plan.operations} == {
        "group/vpn": "B131",
        "group/finance": "B131",
        "group/staff": None,
    }
    assert [f.code for f in plan.findings] == ["P131"]


def test_a_broken_rule_that_nobody_can_name_stops_all_giving():
    plan = plan_for([in_violation(an_account("u", "1"))], {DIRECTORY: a_profile()})
    assert {o.stopped for o in plan.operations} == {"B131"}


def test_a_stop_on_a_person_stops_all_of_their_operations_and_nobody_elses():
    people = [a_leaver("1", an_account("u1", "1")), a_leaver("2", an_account("u2", "2"))]
    plan = plan_for(people, {DIRECTORY: a_profile()}, stopped={IdentityId("i-1"): "B101"})
    assert {o.stopped for o in plan.operations if o.identity == "i-1"} == {"B101"}
    assert {o.stopped for o in plan.operations if o.identity == "i-2"} == {None}


def an_admin(native, number, **changes):
    plain = Administrator(native_id=native, identity=IdentityId(f"i-{number}"), enabled=True, stays=True)
    return replace(plain, **changes)


def with_admins(*seen):
    return {DIRECTORY: a_profile(admins=frozenset({"group/admins"}), owner="group:it", administrators=seen)}


def test_an_administrator_goes_while_another_one_stays():
    """I-10, T-15."""
    profiles = with_admins(an_admin("u1", "1"), an_admin("u2", "2"))
    plan = plan_for([a_leaver("1", an_account("u1", "1", "group/admins"))], profiles)
    assert {o.verb for o in plan.operations} == {Verb.DISABLE, Verb.END_SESSIONS, Verb.REVOKE}


def test_the_last_administrator_keeps_sign_in_loses_sessions_and_the_owner_has_four_hours():
    """Design section 7."""
    profiles = with_admins(an_admin("u1", "1"), an_admin("bg", "9", stays=False), an_admin("off", "3", enabled=False))
    plan = plan_for([a_leaver("1", an_account("u1", "1", "group/admins", "group/staff"))], profiles)
    assert {(o.verb, o.entitlement) for o in plan.operations} == {
        (Verb.END_SESSIONS, None),
        (Verb.REVOKE, "group/staff"),
    }
    (finding,) = plan.findings
    assert (finding.code, finding.owner, finding.deadline) == ("A310", "group:it", NOW + timedelta(hours=4))


def test_where_nobody_was_counted_nobody_else_is_taken_to_stay():
    """Unknown is not empty, and not full either."""
    plan = plan_for([a_leaver("1", an_account("u1", "1", "group/admins"))], with_admins())
    assert {o.verb for o in plan.operations} == {Verb.END_SESSIONS}


def test_two_administrators_who_leave_together_do_not_count_for_each_other():
    """T-15: at least one stays, in any order."""
    profiles = with_admins(an_admin("u1", "1"), an_admin("u2", "2"))
    people = [a_leaver(n, an_account(f"u{n}", n, "group/admins")) for n in ("1", "2")]
    plan = plan_for(people, profiles)
    assert {o.verb for o in plan.operations} == {Verb.END_SESSIONS}
    assert len(plan.findings) == 2


def test_a_mover_who_is_the_last_administrator_keeps_the_administration():
    profiles = with_admins(an_admin("u1", "1"))
    profiles[DIRECTORY] = replace(profiles[DIRECTORY], managed=frozenset({"group/admins"}))
    person = a_person(
        an_identity("1"),
        a_wish(AccountWish.ACTIVE),
        accounts=[an_account("u1", "1", "group/admins")],
        case_reason=Because.ROLE_LOST,
    )
    plan = plan_for([person], profiles)
    assert plan.operations == ()
    assert [f.code for f in plan.findings] == ["A310"]


def test_the_names_of_capabilities_are_those_of_the_connectors():
    assert {value.value for value in Capability} - {"probes_sign_in"} == EVERYTHING
