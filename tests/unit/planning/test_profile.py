"""What is managed: what policy names, what `manage` takes in, what was given from here (design section 6)."""

from datetime import timedelta
from pathlib import Path

from lastday.configuration.settings import (
    ApplicationSettings,
    Condition,
    MatchLine,
    MatchStrength,
    Mode,
    Position,
    RoleSettings,
)
from lastday.filters.parser import parse
from lastday.model.account import EntitlementRef
from lastday.model.ids import ApplicationName, RoleName
from lastday.planning.profile import managed_names, profile_of

HERE = Position(Path("x"), 1, 1)
DIRECTORY = ApplicationName("directory")


def a_condition(text):
    return Condition(text=text, filter=parse(text), position=HERE)


def an_application(manage=None, **changes):
    plain = {
        "name": DIRECTORY,
        "connector": "ldap",
        "connection": {},
        "match": (
            MatchLine(
                account_attribute="employeeNumber",
                identity_attribute="employeeNumber",
                strength=MatchStrength.PROOF,
            ),
            MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=MatchStrength.HINT),
        ),
        "create": {"uid": ("{userName}",)},
        "attributes": {"title": "title"},
        "owner": "group:it",
        "mode": Mode.ENFORCE,
        "protect": (),
        "admins": ("group/admins",),
        "privileged": ("group/payroll",),
        "manage": manage,
        "settle": timedelta(seconds=5),
        "keep_for": None,
        "deadline": None,
        "successor": None,
        "seat": None,
        "position": HERE,
    }
    return ApplicationSettings(**{**plain, **changes})


def a_role(*give):
    refs = tuple(EntitlementRef.parse(text) for text in give)
    when = a_condition('lifecycle eq "active"')
    return RoleSettings(name=RoleName("r"), when=when, names_lifecycle=True, give=refs, position=HERE)


def test_what_a_role_names_is_managed_and_with_it_the_account():
    roles = [a_role("directory:group/vpn", "chat:account")]
    assert managed_names(an_application(), roles, ["group/odd"]) == {"group/vpn", "account"}


def test_where_no_role_names_the_application_nothing_is_managed():
    assert managed_names(an_application(), [a_role("chat:account")], ["group/odd"]) == frozenset()


def test_a_manage_condition_takes_more_in():
    manage = a_condition('kind eq "group" and name sw "group/x"')
    found = managed_names(an_application(manage), [], ["group/xy", "group/y", "role/xz"])
    assert found == {"group/xy"}


def test_a_profile_takes_over_what_is_configured():
    profile = profile_of(
        an_application(), [], capabilities=frozenset({"creates_accounts"}), settle_s=60, given=frozenset({"group/z"})
    )
    assert profile.proof == (("employeeNumber", "employeeNumber"),)
    assert profile.create == (("uid", ("{userName}",)),)
    assert profile.settle_s == 5
    assert profile.managed == {"group/z"}
    assert profile.can("creates_accounts")
    assert not profile.can("deletes_accounts")
