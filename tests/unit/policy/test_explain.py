"""Why somebody has something, and why not: S-44, issue 2 `explain`."""

import json
from datetime import timedelta

import pytest

from lastday.filters.parser import parse
from lastday.model.access import Adopted, Deny
from lastday.model.attributes import Attributes
from lastday.model.canonical import canonical_bytes
from lastday.model.errors import InputError
from lastday.model.identity import EngagementStatus, Lifecycle
from lastday.model.ids import ApplicationName, IdentityId
from lastday.policy.compiled import compile_policy
from lastday.policy.explain import explain, who_should_hold
from lastday.policy.unmet import unmet
from tests.unit.policy.companies import DAY, ENGINEER, FINANCE, NOW, configuration, engagement, held, identity, ref

POLICY = compile_policy(configuration())
ACCOUNTANT = identity(engagement("E1", **FINANCE))
LEDGER = ref("ledger:role/ledger_rw")
ME = IdentityId("i-1")


def only(explanation):
    (explained,) = explanation.entitlements
    return explained


def test_a_holding_is_explained_from_the_attribute_to_the_entitlement():
    explained = only(explain(ACCOUNTANT, POLICY, NOW, entitlement=LEDGER))
    (way,) = explained.given
    assert way.path == (
        "department = Finance",
        "title = Senior accountant",
        'rule: department eq "Finance" and title co "Accountant"',
        "role accountant",
        "ledger:role/ledger_rw",
    )
    assert explained.text == f"ledger:role/ledger_rw is held: {' -> '.join(way.path)}."


def test_an_account_is_explained_by_what_needs_it():
    explained = only(explain(ACCOUNTANT, POLICY, NOW, entitlement=ref("ledger:account")))
    assert explained.given[0].path[-2:] == ("ledger:role/ledger_rw", "ledger:account")


@pytest.mark.parametrize(
    ("attributes", "lacks"),
    [
        ({"department": "Sales", "title": "Accountant"}, ("department is Sales, the rule wants Finance",)),
        ({"department": "Finance"}, ('title is not known, the rule wants `co "Accountant"`',)),
        (
            {"title": "Clerk"},
            ("department is not known, the rule wants Finance", 'title is Clerk, the rule wants `co "Accountant"`'),
        ),
    ],
)
def test_what_is_not_given_names_the_conditions_that_failed(attributes, lacks):
    explained = only(explain(identity(engagement(**attributes)), POLICY, NOW, entitlement=LEDGER))
    (missing,) = explained.not_given
    assert (explained.held, missing.role, missing.lacks) == (False, "accountant", lacks)


def test_the_engagement_that_comes_nearest_is_explained():
    person = identity(engagement("A"), engagement("B", department="Finance", title="Clerk"))
    (missing,) = only(explain(person, POLICY, NOW, entitlement=LEDGER)).not_given
    assert missing.lacks == ('title is Clerk, the rule wants `co "Accountant"`',)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ('not (userType eq "contractor")', 'the rule excludes `userType eq "contractor"`, and userType is contractor'),
        ("nickName pr", "nickName is not known"),
        ("level gt 5", "level is 3, the rule wants `gt 5`"),
        (
            'department eq "A" or department eq "B" and level eq 4',
            "none of these is met: department is C, the rule wants A; "
            "department is C, the rule wants B and level is 3, the rule wants `eq 4`",
        ),
        (
            'engagements[department eq "A"]',
            'no value of engagements satisfies `department eq "A"`',
        ),
    ],
)
def test_each_kind_of_condition_has_its_sentence(rule, sentence):
    view = {"department": "C", "userType": "contractor", "level": 3, "engagements": [{"department": "C"}]}
    assert unmet(parse(rule), view, NOW) == (sentence,)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"end": NOW}, "the person has left"),
        ({"status": EngagementStatus.SUSPENDED}, "the person is suspended: [leave] decides what stays"),
        ({"start": NOW + DAY}, "the person has not begun"),
    ],
)
def test_the_lifecycle_is_named_where_it_decides(changes, sentence):
    person = identity(engagement(**{**FINANCE, **changes}))
    assert only(explain(person, POLICY, NOW, entitlement=LEDGER)).not_given[0].lacks == (sentence,)


def test_a_deny_and_an_adopted_holding_are_told():
    deny = Deny(identity=ME, entitlement=LEDGER, why="review of May", by="dana", until=None)
    denied = only(explain(ACCOUNTANT, POLICY, NOW, entitlement=LEDGER, denies=[deny]))
    assert denied.text == "ledger:role/ledger_rw is not held: denied by dana: review of May."
    plan = ref("design:plan/pro")
    found = Adopted(identity=ME, entitlement=plan, since=NOW - DAY)
    adopted = only(explain(ACCOUNTANT, POLICY, NOW, entitlement=plan, adopted=[found]))
    assert adopted.text == (
        "design:plan/pro is held: found when design was connected on 2026-11-19 -> design:plan/pro."
    )


def test_nothing_gives_what_no_role_names():
    unknown = only(explain(ACCOUNTANT, POLICY, NOW, entitlement=ref("design:plan/pro")))
    assert unknown.text == "design:plan/pro is not held: nothing gives it."


def test_one_application_can_be_asked_for():
    explanation = explain(ACCOUNTANT, POLICY, NOW, application=ApplicationName("ledger"))
    named = [str(explained.entitlement) for explained in explanation.entitlements]
    assert named == ["ledger:account", "ledger:role/ledger_rw", "ledger:role/payroll_rw"]


def test_what_if_changes_the_answer_and_not_the_person():
    """S-44: what would follow from another department."""
    moved = explain(ACCOUNTANT, POLICY, NOW, what_if=Attributes.of({"DEPARTMENT": "Engineering"}))
    assert "directory:group/engineering" in held(moved.access)
    assert "ledger:role/ledger_rw" not in held(moved.access)
    assert "ledger:role/ledger_rw" in held(explain(ACCOUNTANT, POLICY, NOW).access)


@pytest.mark.parametrize("lifecycle", list(Lifecycle))
@pytest.mark.parametrize("ends", [(None, NOW + DAY), (NOW - DAY, NOW - 2 * DAY)])
def test_what_if_knows_every_lifecycle(lifecycle, ends):
    person = identity(engagement("A", end=ends[0], **FINANCE), engagement("B", end=ends[1], **ENGINEER))
    imagined = explain(person, POLICY, NOW, what_if=Attributes.of({"lifecycle": lifecycle.value}))
    was_gone = ends[0] is not None
    # Whoever has left and is to come back is ended until the day.
    assert imagined.lifecycle is (Lifecycle.ENDED if was_gone and lifecycle is Lifecycle.PREBOARDING else lifecycle)


def test_what_if_can_begin_somebody_early():
    person = identity(engagement(start=NOW + 3 * DAY, **FINANCE))
    imagined = explain(person, POLICY, NOW, what_if=Attributes.of({"lifecycle": "active"}))
    assert "ledger:role/ledger_rw" in held(imagined.access)


def test_what_if_can_end_somebody_at_a_moment():
    end = Attributes.of({"endsAt": (NOW - timedelta(hours=1)).isoformat(), "endReason": "for cause"})
    imagined = explain(ACCOUNTANT, POLICY, NOW, what_if=end)
    assert (imagined.lifecycle, imagined.access.profile) == (Lifecycle.ENDED, "urgent")


@pytest.mark.parametrize("wrong", [{"lifecycle": "gone"}, {"endsAt": "2026-11-20"}, {"startsAt": "soon"}])
def test_what_if_refuses_what_it_cannot_read(wrong):
    with pytest.raises(InputError):
        explain(ACCOUNTANT, POLICY, NOW, what_if=Attributes.of(wrong))


def test_who_should_hold_something_is_the_reverse():
    others = [
        identity(engagement(person=name, **job), person=name) for name, job in (("i-9", FINANCE), ("i-5", ENGINEER))
    ]
    holders = who_should_hold(LEDGER, [*others, ACCOUNTANT], POLICY, NOW)
    assert [(holder.identity, holder.reasons[0].name) for holder in holders] == [
        ("i-1", "accountant"),
        ("i-9", "accountant"),
    ]


def test_an_explanation_is_plain_json():
    moved = explain(ACCOUNTANT, POLICY, NOW, entitlement=LEDGER, what_if=Attributes.of({"title": "Clerk"}))
    told = json.loads(canonical_bytes(moved.as_json()))
    assert told["what_if"] == {"title": "Clerk"}
    assert told["entitlements"][0]["not_given"] == [
        {"role": "accountant", "lacks": ['title is Clerk, the rule wants `co "Accountant"`']}
    ]


def test_what_if_does_not_bring_back_a_job_that_is_over():
    person = identity(engagement("A", start=NOW - 9 * DAY, end=NOW - DAY, **FINANCE), engagement("B", **ENGINEER))
    imagined = explain(person, POLICY, NOW, what_if=Attributes.of({"lifecycle": "active"}))
    assert held(imagined.access) == held(explain(person, POLICY, NOW).access)


def test_an_account_is_not_explained_by_what_is_denied():
    deny = Deny(identity=ME, entitlement=ref("directory:group/vpn"), why="review", by="dana", until=None)
    person = identity(engagement(**ENGINEER))
    account = only(explain(person, POLICY, NOW, entitlement=ref("directory:account"), denies=[deny]))
    through = {way.path[-2] for way in account.given}
    assert through == {"role everyone", "directory:group/all-staff", "directory:group/engineering"}


def test_nothing_is_given_in_an_application_that_is_not_configured():
    """The explanation says what the decision does, not what the role hopes for."""
    policy = compile_policy(configuration({"a": ('department eq "Finance"', "leger:role/x")}))
    explained = only(explain(ACCOUNTANT, policy, NOW, entitlement=ref("leger:role/x")))
    assert (explained.held, explained.given) == (False, ())
