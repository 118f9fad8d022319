"""Never the wrong person: proof links, hints only under the rules of design section 6 (T-34, T-35, I-15)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lastday.configuration.settings import MatchLine
from lastday.inventory.correlation import ValueHeld, ValueHistory, correlate
from lastday.model.account import AccountKind, Correlation
from lastday.model.ids import IdentityId
from tests.unit.inventory.accounts import (
    BEGAN,
    HINT,
    LATER,
    NOW,
    PROOF,
    a_person,
    an_account,
    an_engagement,
    settings,
)

MATCHED, AMBIGUOUS, UNCORRELATED = Correlation.MATCHED, Correlation.AMBIGUOUS, Correlation.UNCORRELATED
NONE = ValueHistory()
OLD = a_person("old", an_engagement("E10245", "rui@x.example", ends=NOW - timedelta(hours=14)))
NEW = a_person("new", an_engagement("E20100", "rui@x.example", starts=NOW - timedelta(days=1)))
ADA = a_person("ada", an_engagement("E1", "ada@x.example"))


def decide(account, *people, history=NONE, match=()):
    (decision,) = correlate([account], people, settings(*match), history, NOW)
    return decision


def answer(account, *people, **options):
    decision = decide(account, *people, **options)
    assert (decision.identity is not None) == (decision.correlation is MATCHED)
    assert (decision.finding is None) == (decision.correlation is MATCHED)
    return decision.correlation, decision.identity


def test_an_employee_number_links():
    assert answer(an_account("u", {"employeeNumber": " E1 "}), ADA, OLD) == (MATCHED, "ada")


def test_the_number_of_any_engagement_links_a_past_one_too():
    rehired = a_person("r", an_engagement("E20101", ends=NOW - timedelta(days=900)), an_engagement("E20150"))
    assert answer(an_account("u", {"employeeNumber": "E20101"}), rehired) == (MATCHED, "r")


def test_a_number_compares_exactly():
    assert answer(an_account("u", {"employeeNumber": "e1"}), ADA)[0] is UNCORRELATED


def test_a_number_that_two_persons_have_is_doubt():
    twin = a_person("twin", an_engagement("E1"))
    decision = decide(an_account("u", {"employeeNumber": "E1"}), ADA, twin)
    assert decision.correlation is AMBIGUOUS
    assert decision.candidates == ("ada", "twin")
    assert decision.finding is not None
    assert decision.finding.code == "A203"


def test_two_proofs_that_disagree_are_doubt():
    lines = (
        MatchLine(account_attribute="employeeNumber", identity_attribute="employeeNumber", strength=PROOF),
        MatchLine(account_attribute="externalId", identity_attribute="employeeNumber", strength=PROOF),
    )
    account = an_account("u", {"employeeNumber": "E1", "externalId": "E10245"})
    assert answer(account, ADA, OLD, match=lines)[0] is AMBIGUOUS


def test_the_trap_the_account_of_who_left_is_never_that_of_who_has_their_mail_now():
    """E20100 has name and mail of E10245."""
    proven = an_account("u", {"employeeNumber": "E10245", "mail": "rui@x.example"})
    assert answer(proven, OLD, NEW) == (MATCHED, "old")
    bare = an_account("u", {"mail": "rui@x.example"})
    assert answer(bare, OLD, NEW)[0] is AMBIGUOUS
    assert answer(bare, NEW, history=ValueHistory())[0] is AMBIGUOUS


def test_a_proof_that_contradicts_the_hint_outweighs_it():
    account = an_account("u", {"employeeNumber": "E999", "mail": "ada@x.example"})
    assert answer(account, ADA)[0] is UNCORRELATED


def test_a_mail_that_one_person_only_ever_held_links_without_regard_to_case():
    assert answer(an_account("u", {"mail": "ADA@x.example"}), ADA, OLD) == (MATCHED, "ada")


def test_a_mail_that_somebody_else_held_within_a_year_does_not():
    earlier = ValueHeld(
        attribute="emails.value", value="ada@x.example", identity=IdentityId("eve"), until=NOW - timedelta(days=364)
    )
    account = an_account("u", {"mail": "ada@x.example"})
    assert answer(account, ADA, history=ValueHistory(held=(earlier,)))[0] is AMBIGUOUS


def test_a_mail_that_somebody_held_long_ago_does_not_matter_if_the_account_is_known_to_be_younger():
    earlier = ValueHeld(
        attribute="emails.value", value="ada@x.example", identity=IdentityId("eve"), until=NOW - timedelta(days=366)
    )
    history = ValueHistory(held=(earlier,))
    assert answer(an_account("u", {"mail": "ada@x.example"}), ADA, history=history) == (MATCHED, "ada")
    unknown_age = an_account("u", {"mail": "ada@x.example"}, created=None)
    assert answer(unknown_age, ADA, history=history)[0] is AMBIGUOUS


def test_whoever_is_here_and_once_held_the_mail_counts_however_long_ago():
    here = a_person("eve", an_engagement("E7", "eve@x.example"))
    once = ValueHeld(
        attribute="emails.value", value="ada@x.example", identity=here.id, until=NOW - timedelta(days=2000)
    )
    account = an_account("u", {"mail": "ada@x.example"})
    assert answer(account, ADA, here, history=ValueHistory(held=(once,)))[0] is AMBIGUOUS


def test_an_account_older_than_the_person_is_not_theirs():
    for account in (
        an_account("u", {"mail": "ada@x.example"}, created=BEGAN - timedelta(seconds=1)),
        an_account("u", {"mail": "ada@x.example"}, created=None, used=BEGAN - timedelta(days=1)),
        an_account("u", {"mail": "ada@x.example"}, created=None, first_seen=BEGAN - timedelta(days=1)),
    ):
        assert answer(account, ADA)[0] is AMBIGUOUS
    assert answer(an_account("u", {"mail": "ada@x.example"}, created=BEGAN), ADA)[0] is MATCHED


def test_an_account_of_unknown_age_links_where_nobody_else_ever_had_the_value():
    """A disconnected application tells no ages: its export would else never be linked at all."""
    assert answer(an_account("u", {"mail": "ada@x.example"}, created=None), ADA) == (MATCHED, "ada")


def test_a_person_whose_start_is_not_known_gets_no_account_by_a_hint():
    starts_unknown = a_person("x", an_engagement("E9", "x@x.example", starts=None))
    assert answer(an_account("u", {"mail": "x@x.example"}), starts_unknown)[0] is AMBIGUOUS


def test_hints_that_name_different_people_are_doubt():
    lines = (
        MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=HINT),
        MatchLine(account_attribute="other", identity_attribute="emails.value", strength=HINT),
    )
    bob = a_person("bob", an_engagement("E2", "bob@x.example"))
    account = an_account("u", {"mail": "ada@x.example", "other": "bob@x.example"})
    assert answer(account, ADA, bob, match=lines)[0] is AMBIGUOUS


def test_an_account_that_nothing_names_belongs_to_nobody():
    decision = decide(an_account("u", {"mail": "agency@y.example"}), ADA)
    assert decision.correlation is UNCORRELATED
    assert decision.finding is not None
    assert (decision.finding.code, decision.finding.owner) == ("A202", "group:it")


def test_the_user_name_is_a_hint_where_a_line_says_so():
    line = MatchLine(account_attribute="userName", identity_attribute="emails.value", strength=HINT)
    assert answer(an_account("ada@x.example"), ADA, match=(line,)) == (MATCHED, "ada")


def test_linked_once_never_judged_again():
    """Design section 6: the native id is the link, whatever mail or number say later."""
    linked = an_account("u", {"employeeNumber": "E10245"}, identity="ada")
    assert correlate([linked], [ADA, OLD], settings(), NONE, NOW) == ()


def test_protected_and_vanished_accounts_are_left_alone():
    accounts = [
        an_account("p", {"employeeNumber": "E1"}, protected=True),
        an_account("b", {"employeeNumber": "E1"}, kind=AccountKind.BREAK_GLASS),
        an_account("g", {"employeeNumber": "E1"}, exists=False),
    ]
    assert correlate(accounts, [ADA], settings(), NONE, NOW) == ()


mails = st.sampled_from(["a@x", "b@x", "c@x"])
lives = st.tuples(st.integers(0, 3000), st.integers(0, 3000), mails)


@given(st.lists(lives, min_size=1, max_size=5), mails, st.integers(0, 3000) | st.none(), st.randoms())
def test_a_hint_never_gives_an_account_to_somebody_who_came_after_it(people, mail, age, random):
    """T-35 over histories of re-used addresses: who made the account is the one who had the address then."""
    identities = [
        a_person(
            f"p{n}",
            an_engagement(
                f"E{n}",
                address,
                starts=NOW - timedelta(days=max(a, b)),
                ends=None if min(a, b) == 0 else NOW - timedelta(days=min(a, b)),
            ),
        )
        for n, (a, b, address) in enumerate(people)
    ]
    created = None if age is None else NOW - timedelta(days=age)
    account = an_account("u", {"mail": mail}, created=created)
    decision = decide(account, *identities)
    held_lately = [
        i
        for i in identities
        if i.engagements[0].attributes.one("emails.value") == mail
        and (i.engagements[0].ends_at is None or i.engagements[0].ends_at >= NOW - timedelta(days=365))
    ]
    if decision.correlation is MATCHED:
        assert [i.id for i in held_lately] == [decision.identity]
        starts = held_lately[0].engagements[0].starts_at
        assert created is None or (starts is not None and created >= starts)
    shuffled = random.sample(identities, len(identities))
    assert decide(account, *shuffled) == decision


def test_decisions_come_in_the_order_of_native_ids():
    accounts = [an_account(n, {"mail": f"{n}@x"}, created=LATER) for n in ("c", "a", "b")]
    assert [d.account for d in correlate(accounts, [ADA], settings(), NONE, NOW)] == ["a-a", "a-b", "a-c"]
