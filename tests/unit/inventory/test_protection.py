"""Which accounts automation never touches (I-2, T-14, T-16)."""

from pathlib import Path

import pytest

from lastday.configuration.settings import Condition, Position
from lastday.filters.parser import parse
from lastday.inventory.protection import mark_protected, protection_of
from lastday.model.account import AccountKind
from tests.unit.inventory.accounts import an_account


def conditions(*texts):
    return [Condition(text=text, filter=parse(text), position=Position(Path("x"), 1, 1)) for text in texts]


def is_protected(account, *texts, principal=None):
    return protection_of(conditions(*texts), principal)(account.observed, account.kind)


def test_conditions_speak_of_what_the_application_says():
    account = an_account("u1", {"uid": "BreakGlass-1"})
    assert is_protected(account, 'uid sw "breakglass"', 'uid eq "lastday"')
    assert not is_protected(an_account("u1", {"uid": "ada"}), 'uid sw "breakglass"', 'uid eq "lastday"')


def test_conditions_can_speak_of_name_and_id_everywhere():
    assert is_protected(an_account("root"), 'userName eq "root"')
    assert is_protected(an_account("17"), 'id eq "17"')


@pytest.mark.parametrize(
    ("principal", "native"),
    [
        ("lastday", "lastday"),
        ("cn=lastday,dc=northwind,dc=example", "lastday"),
        ("cn=lastday,dc=northwind,dc=example", "CN=lastday,dc=northwind,dc=example"),
        ("uid=lastday", "lastday"),
    ],
)
def test_our_own_account_is_protected_whatever_form_its_name_has(principal, native):
    assert is_protected(an_account(native), principal=principal)
    assert not is_protected(an_account("ada"), principal=principal)


def test_break_glass_is_protected_without_a_condition():
    assert is_protected(an_account("x", kind=AccountKind.BREAK_GLASS))


def test_marks_follow_what_is_true_now():
    protects = protection_of(conditions('userName eq "root"'), None)
    marked = mark_protected([an_account("root"), an_account("ada", protected=True)], protects)
    assert [account.protected for account in marked] == [True, False]
