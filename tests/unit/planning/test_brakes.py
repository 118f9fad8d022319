"""Brakes on leavers count surprise, exactly by the figures of design section 7 (T-1, T-2, I-8)."""

from datetime import timedelta
from math import ceil, sqrt

from hypothesis import given
from hypothesis import strategies as st

from lastday.configuration.settings import BrakeSettings
from lastday.model.batch import Brake
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.ids import IdentityId
from lastday.planning.brakes import (
    Announcement,
    BrakeHistory,
    CountedLeaver,
    apply_stops,
    check_brakes,
    populations_of,
    stopped_people,
    surprise_limit,
)
from lastday.planning.build import build_plan
from tests.unit.planning.people import (
    MADE_FROM,
    NOW,
    a_leaver,
    a_profile,
    an_account,
    an_engagement,
    an_identity,
)

SETTINGS = BrakeSettings()
NOTHING = BrakeHistory()


def a_company(size, **attributes):
    """Everybody works at a site, for a manager and so on of their own, unless `attributes` say."""
    return [
        an_identity(str(n), an_engagement(str(n), **{"location": f"s{n}", "manager": f"m{n}", **attributes}))
        for n in range(size)
    ]


def leaving(numbers, surprise=Surprise.SURPRISE, at=NOW, kind=ChangeKind.LEFT):
    return [
        Change(identity=IdentityId(f"i-{n}"), kind=kind, at=at, engagement=None, surprise=surprise, detail="")
        for n in numbers
    ]


def counted(numbers, ago, surprise=Surprise.SURPRISE):
    return BrakeHistory(
        leavers=tuple(CountedLeaver(identity=IdentityId(f"i-{n}"), at=NOW - ago, surprise=surprise) for n in numbers)
    )


def check(changes, people, history=NOTHING, settings=SETTINGS, announcements=()):
    return check_brakes(changes, people, history, settings, NOW, announcements)


def codes(tripped):
    return {one.brake for one in tripped}


FOUR_HUNDRED_AND_TWENTY = a_company(420)


def test_eleven_surprise_leavers_of_420_pass_and_twelve_are_stopped():
    """Issue acceptance 4."""
    assert check(leaving(range(11)), FOUR_HUNDRED_AND_TWENTY) == ()
    (tripped,) = check(leaving(range(12)), FOUR_HUNDRED_AND_TWENTY)
    assert (tripped.brake, tripped.counted, tripped.limit, tripped.base) == (Brake.SURPRISE_LEAVERS_DAY, 12, 11, 420)
    assert len(tripped.identities) == 12


def test_what_already_left_today_counts_with_it():
    """T-2: slow bleeding."""
    (tripped,) = check(leaving(range(6)), FOUR_HUNDRED_AND_TWENTY, counted(range(100, 106), timedelta(hours=23)))
    assert tripped.counted == 12
    assert tripped.identities == tuple(sorted(f"i-{n}" for n in range(6)))


def test_a_week_holds_twice_as_many():
    week = counted(range(100, 120), timedelta(days=6))
    assert check(leaving(range(2)), FOUR_HUNDRED_AND_TWENTY, week) == ()
    (tripped,) = check(leaving(range(3)), FOUR_HUNDRED_AND_TWENTY, week)
    assert (tripped.brake, tripped.counted, tripped.limit) == (Brake.SURPRISE_LEAVERS_WEEK, 23, 22)


def test_a_person_counts_once():
    """The same leaver told twice, or judged again, is one."""
    again = counted(range(11), timedelta(hours=1))
    assert check(leaving(range(11)) * 2, FOUR_HUNDRED_AND_TWENTY, again) == ()


def test_expected_and_named_leavers_pass_beside_a_held_set():
    changes = leaving(range(12)) + leaving(range(20, 40), Surprise.EXPECTED) + leaving([50], Surprise.NAMED)
    (tripped,) = check(changes, FOUR_HUNDRED_AND_TWENTY)
    assert set(tripped.identities) == {f"i-{n}" for n in range(12)}


def test_what_takes_effect_later_is_judged_later():
    assert check(leaving(range(12), at=NOW + timedelta(seconds=1)), FOUR_HUNDRED_AND_TWENTY) == ()


def test_other_changes_are_not_leavers():
    assert check(leaving(range(100), kind=ChangeKind.MOVED), FOUR_HUNDRED_AND_TWENTY) == ()


def test_more_than_thirty_percent_and_at_least_four_of_a_team_are_stopped():
    people = a_company(400) + [
        an_identity(f"t{n}", an_engagement(f"t{n}", manager="boss", location=f"x{n}")) for n in range(12)
    ]
    three = leaving(["t0", "t1", "t2"])
    assert check(three, people) == ()
    other = leaving(["1"])
    (tripped,) = check(leaving(["t0", "t1", "t2", "t3"]) + other, people)
    assert tripped.brake is Brake.LEAVERS_OF_ONE_GROUP
    assert set(tripped.identities) == {"i-t0", "i-t1", "i-t2", "i-t3"}
    assert (tripped.counted, tripped.base) == (4, 12)
    larger = people + [an_identity(f"t{n}", an_engagement(f"t{n}", manager="boss")) for n in range(12, 14)]
    assert check(leaving(["t0", "t1", "t2", "t3"]), larger) == ()


def test_a_group_is_source_employer_site_worker_type_or_team():
    identity = an_identity(
        "1", an_engagement("1", organization="A", location="Lisbon ", userType="vendor", manager="m")
    )
    assert set(populations_of(identity, NOW)) == {
        ("source", "hr"),
        ("employer", "a"),
        ("site", "lisbon"),
        ("worker type", "vendor"),
        ("team", "m"),
    }


def test_volume_over_fifteen_percent_is_stopped_although_expected_unless_announced():
    expected = leaving(range(64), Surprise.EXPECTED)
    assert check(expected[:63], FOUR_HUNDRED_AND_TWENTY) == ()
    (tripped,) = check(expected, FOUR_HUNDRED_AND_TWENTY)
    assert (tripped.brake, tripped.counted, tripped.limit) == (Brake.LEAVERS_VOLUME, 64, 63)
    announced = Announcement(
        identities=frozenset(change.identity for change in expected),
        since=NOW - timedelta(days=1),
        until=NOW + timedelta(days=1),
        approved=True,
    )
    assert check(expected, FOUR_HUNDRED_AND_TWENTY, announcements=[announced]) == ()
    assert check(leaving(range(64)), FOUR_HUNDRED_AND_TWENTY, announcements=[announced]) == ()


def test_an_announcement_that_nobody_approved_says_nothing():
    announced = Announcement(
        identities=frozenset(IdentityId(f"i-{n}") for n in range(12)),
        since=NOW - timedelta(days=1),
        until=NOW + timedelta(days=1),
        approved=False,
    )
    assert codes(check(leaving(range(12)), FOUR_HUNDRED_AND_TWENTY, announcements=[announced]))


def test_zero_means_that_nothing_passes():
    for changed in (
        BrakeSettings(surprise_leavers_floor=0),
        BrakeSettings(group_percent=0),
        BrakeSettings(group_floor=0),
        BrakeSettings(leavers_volume_percent=0),
    ):
        assert check(leaving([1]), FOUR_HUNDRED_AND_TWENTY, settings=changed)


def test_everyone_terminated_has_no_effect_at_all():
    """T-1."""
    tripped = check(leaving(range(420)), FOUR_HUNDRED_AND_TWENTY)
    assert set(stopped_people(tripped)) == {identity.id for identity in FOUR_HUNDRED_AND_TWENTY}


def test_an_empty_base_lets_nobody_pass():
    assert check(leaving([1]), [])


@given(st.integers(0, 2_000_000))
def test_the_limit_is_the_square_root_by_integers(base):
    limit = surprise_limit(base, 3)
    assert limit == 3 or (4 * limit * limit >= base > 4 * (limit - 1) * (limit - 1))
    assert limit == max(3, ceil(sqrt(base) / 2))


numbers = st.sets(st.integers(0, 39), max_size=25)
views = st.sampled_from(list(Surprise))


@given(st.dictionaries(st.integers(0, 39), views, max_size=30), st.integers(0, 39), views, numbers)
def test_one_more_leaver_never_turns_a_hold_into_a_go(batch, number, view, past):
    """I-8, and the tripping set only grows."""
    people = a_company(40, manager="boss")
    history = counted(past, timedelta(hours=2))
    changes = [change for n, surprise in batch.items() for change in leaving([n], surprise)]
    before = check(changes, people, history)
    after = check([*changes, *leaving([number], view)], people, history)
    assert codes(before) <= codes(after)
    assert set(stopped_people(before)) <= set(stopped_people(after))


@given(st.permutations(range(14)))
def test_the_order_of_changes_makes_no_difference(order):
    """I-9."""
    changes = leaving(range(13)) + leaving([13], Surprise.EXPECTED)
    assert check([changes[n] for n in order], FOUR_HUNDRED_AND_TWENTY) == check(changes, FOUR_HUNDRED_AND_TWENTY)


def test_a_stopped_set_has_no_effect_and_the_others_go():
    people = [a_leaver(str(n), an_account(f"u{n}", str(n))) for n in range(13)]
    profile = a_profile()
    plan = build_plan(people, {profile.name: profile}, MADE_FROM, NOW)
    stopped = apply_stops(plan, check(leaving(range(12)), FOUR_HUNDRED_AND_TWENTY))
    assert {o.stopped for o in stopped.operations if o.identity != "i-12"} == {"B101"}
    assert {o.stopped for o in stopped.operations if o.identity == "i-12"} == {None}
    assert stopped.hash != plan.hash
