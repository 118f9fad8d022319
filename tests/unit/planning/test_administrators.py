"""The last administrator is counted among others who stay (design section 7, T-15, I-10)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lastday.model.account import AccountKind, Correlation
from lastday.model.ids import IdentityId, NativeId
from lastday.model.operation import Verb
from lastday.planning.administrators import (
    Administrator,
    administrators_among,
    judge_last_administrator,
    takes_administration,
)
from tests.unit.planning.people import DIRECTORY, NOW, an_account

ADMINS = frozenset({"group/admins"})


def seen(*numbers, **changes):
    return [
        replace(
            Administrator(native_id=NativeId(f"u{n}"), identity=IdentityId(f"i-{n}"), enabled=True, stays=True),
            **changes,
        )
        for n in numbers
    ]


def judge(account, known, leaving=()):
    return judge_last_administrator(
        DIRECTORY, NativeId(account), known, owner="o", now=NOW, leaving=[IdentityId(f"i-{n}") for n in leaving]
    )


def test_one_other_who_stays_is_enough():
    assert judge("u1", seen(1, 2)).others == 1
    assert judge("u1", seen(1, 2)).allowed


def test_who_is_off_leaving_or_nobodys_does_not_count():
    assert not judge("u1", seen(1)).allowed
    assert not judge("u1", seen(1) + seen(2, enabled=False)).allowed
    assert not judge("u1", seen(1) + seen(2, stays=False)).allowed
    assert not judge("u1", seen(1) + seen(2, identity=None)).allowed
    assert not judge("u1", seen(1, 2), leaving=[2]).allowed


def test_an_account_that_administers_nothing_may_always_go():
    assert judge("u9", seen(1)).allowed
    assert judge("u1", seen(1, enabled=False)).allowed


def test_which_operations_take_administration():
    assert takes_administration(Verb.DISABLE, None, ADMINS)
    assert takes_administration(Verb.DELETE, None, ADMINS)
    assert takes_administration(Verb.REVOKE, "group/admins", ADMINS)
    assert not takes_administration(Verb.REVOKE, "group/staff", ADMINS)
    assert not takes_administration(Verb.END_SESSIONS, None, ADMINS)


def test_only_people_who_are_here_with_accounts_of_their_own_stay():
    accounts = [
        an_account("u1", "1", "group/admins"),
        an_account("u2", "2", "group/admins"),
        an_account("u3", "1", "group/admins", protected=True),
        an_account("u4", "1", "group/admins", kind=AccountKind.BREAK_GLASS),
        an_account("u5", "1", "group/admins", correlation=Correlation.AMBIGUOUS),
        an_account("u6", None, "group/admins"),
        an_account("u7", "1"),
        an_account("u8", "1", "group/admins", exists=False),
    ]
    found = administrators_among(accounts, ADMINS, {IdentityId("i-1")})
    assert {one.native_id: one.stays for one in found} == {
        "u1": True,
        "u2": False,
        "u3": False,
        "u4": False,
        "u5": False,
        "u6": False,
    }


@given(st.sets(st.integers(0, 6), min_size=1), st.permutations(range(7)))
def test_however_they_leave_one_after_another_one_who_stays_remains(admins, order):
    """T-15."""
    left = set(admins)
    for number in order:
        if number in left and judge(f"u{number}", seen(*sorted(left))).allowed:
            left.discard(number)
    assert len(left) == 1
