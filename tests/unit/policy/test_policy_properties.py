"""Rules that hold for every person and every policy."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lastday.model.access import AccountWish, Adopted, Deny
from lastday.model.identity import EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import IdentityId
from lastday.policy.compiled import compile_policy
from lastday.policy.desired import desired_access
from lastday.policy.explain import explain, who_should_hold
from tests.unit.policy.companies import DAY, NOW, ROLES, configuration, engagement, held, ref

ME = IdentityId("i-1")
CONDITIONS = (
    'department eq "Finance"',
    'not (userType eq "contractor")',
    'title co "Accountant" or location ne "Berlin"',
    'lifecycle eq "active"',
    'engagements[department eq "Finance" and lifecycle eq "active"]',
    "endsAt lt now+7d",
    "not (endsAt pr)",
    'lifecycle eq "preboarding" and startsAt lt now+3d',
)
ENTITLEMENTS = (
    "directory:account",
    "directory:group/vpn",
    "chat:account",
    "ledger:role/ledger_rw",
    "ledger:role/payroll_rw",
    "design:plan/pro",
)

refs = st.sampled_from(ENTITLEMENTS)
moments = st.none() | st.integers(-10, 10).map(lambda days: NOW + days * DAY)
roles = st.dictionaries(
    st.sampled_from(["r1", "r2", "r3", "r4", "r5"]),
    st.tuples(st.sampled_from(CONDITIONS), st.sets(refs, min_size=1, max_size=3).map(lambda s: " ".join(sorted(s)))),
    max_size=5,
)


@st.composite
def people(draw):
    found = [
        engagement(
            f"E{number}",
            start=draw(moments),
            end=draw(moments),
            status=draw(st.sampled_from(EngagementStatus)),
            department=draw(st.sampled_from(["", "Finance", "Sales"])),
            title=draw(st.sampled_from(["", "Accountant", "Boss"])),
            userType=draw(st.sampled_from(["", "employee", "contractor"])),
            location=draw(st.sampled_from(["", "Berlin", "Lisbon"])),
            endReason=draw(st.sampled_from(["", "for cause"])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    return Identity(id=ME, kind=IdentityKind.EMPLOYEE, person_key=None, engagements=tuple(found))


adopted_holdings = st.lists(
    st.builds(
        lambda text, days: Adopted(identity=ME, entitlement=ref(text), since=NOW + days * DAY),
        refs,
        st.integers(-12, 2),
    ),
    max_size=3,
)
denials = st.lists(
    st.builds(
        lambda text, until: Deny(identity=ME, entitlement=ref(text), why="w", by="b", until=until), refs, moments
    ),
    max_size=2,
)


@given(people(), roles, adopted_holdings, denials, st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(person, rules, adopted, denies, shuffler):
    """I9: any order and duplication of the same facts gives the same target state."""
    engagements, names = list(person.engagements), list(rules)
    shuffler.shuffle(engagements)
    shuffler.shuffle(names)
    first = desired_access(person, compile_policy(configuration(rules)), NOW, adopted=adopted, denies=denies)
    second = desired_access(
        replace(person, engagements=tuple(engagements)),
        compile_policy(configuration({name: rules[name] for name in names})),
        NOW,
        adopted=[*reversed(adopted), *adopted],
        denies=[*reversed(denies), *denies],
    )
    assert first == second


@given(people(), roles, adopted_holdings, denials)
def test_a_leaver_gets_nothing_and_everybody_else_only_for_a_reason(person, rules, adopted, denies):
    """I1, S-01: nothing is assigned to a leaver; each assignment has a reason; each application has an answer."""
    access = desired_access(person, compile_policy(configuration(rules)), NOW, adopted=adopted, denies=denies)
    assert {account.application for account in access.accounts} == {"directory", "chat", "ledger", "design"}
    for account in access.accounts:
        assert all(given_.reasons for given_ in account.assignments)
        assert bool(account.assignments) is (account.wish is AccountWish.ACTIVE)
        assert (account.wish is AccountWish.CLOSED) is (access.lifecycle is Lifecycle.ENDED)
        if account.assignments:
            assert f"{account.application}:account" in held(access)
    assert (access.profile is not None) is (access.lifecycle is Lifecycle.ENDED)


@given(people(), roles, roles)
def test_more_rules_never_take_away_and_less_take_only_what_they_gave(person, rules, more):
    """S-43: reasons are counted; a role less keeps what another justifies."""
    both = desired_access(person, compile_policy(configuration({**more, **rules})), NOW)
    fewer = desired_access(person, compile_policy(configuration(rules)), NOW)
    assert held(fewer) <= held(both)
    for account in both.accounts:
        for assignment in account.assignments:
            if {reason.name for reason in assignment.reasons} & set(rules):
                assert str(assignment.entitlement) in held(fewer)


@given(people(), roles, adopted_holdings, denials)
def test_denies_only_take_away(person, rules, adopted, denies):
    policy = compile_policy(configuration(rules))
    free = desired_access(person, policy, NOW, adopted=adopted)
    bound = desired_access(person, policy, NOW, adopted=adopted, denies=denies)
    live = {str(deny.entitlement) for deny in denies if deny.until is None or deny.until > NOW}
    assert held(bound) <= held(free)
    assert not held(bound) & live


@given(people(), roles, adopted_holdings, denials)
def test_explanations_agree_with_the_decision(person, rules, adopted, denies):
    """S-44: the same answer, and a way for each reason or a lack for each role."""
    policy = compile_policy(configuration(rules))
    access = desired_access(person, policy, NOW, adopted=adopted, denies=denies)
    explanation = explain(person, policy, NOW, adopted=adopted, denies=denies)
    explained = {str(one.entitlement): one for one in explanation.entitlements}
    assert {name for name, one in explained.items() if one.held} == held(access)
    for account in access.accounts:
        for given_ in account.assignments:
            assert {way.reason for way in explained[str(given_.entitlement)].given} == set(given_.reasons)
    for one in explained.values():
        assert all(missing.lacks for missing in one.not_given)
        assert one.held is (str(one.entitlement) in {f"{h}" for h in held(access)})
        holders = who_should_hold(one.entitlement, [person], policy, NOW, adopted=adopted, denies=denies)
        assert bool(holders) is one.held


@given(people(), adopted_holdings)
def test_after_leaving_nothing_old_counts(person, adopted):
    """Issue 2, acceptance 3: whoever comes back later gets what somebody new would get."""
    policy = compile_policy(configuration(ROLES))
    back = engagement("back", start=NOW + 20 * DAY, department="Finance", title="Accountant")
    gone = tuple(e if e.ends_at else replace(e, ends_at=NOW + 11 * DAY) for e in person.engagements)
    old = [holding for holding in adopted if holding.since <= NOW]
    later = NOW + 21 * DAY
    again = desired_access(replace(person, engagements=(*gone, back)), policy, later, adopted=old if gone else [])
    new = desired_access(replace(person, engagements=(back,)), policy, later)
    assert held(again) == held(new)


@given(people(), roles)
def test_the_decision_changes_only_at_the_instants_of_the_person(person, rules):
    """Level-triggered: between two instants nothing that does not name now changes."""
    plain = {name: rule for name, rule in rules.items() if "now" not in rule[0]}
    policy = compile_policy(configuration(plain))
    instants = {instant for one in person.engagements for instant in one.instants}
    later = NOW + timedelta(hours=1)
    if not any(NOW < instant <= later for instant in instants):
        assert desired_access(person, policy, NOW).accounts == desired_access(person, policy, later).accounts
