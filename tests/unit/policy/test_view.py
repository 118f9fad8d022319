"""What a condition sees of a person: design section 6."""

from datetime import timedelta

import pytest

from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.model.identity import EngagementStatus
from lastday.policy.view import identity_view
from tests.unit.policy.companies import DAY, NOW, engagement, identity

JOB = engagement(
    "E1",
    end=NOW + 3 * DAY,
    department="Finance",
    name__familyName="Ng",
    emails__value=("a@x.example", "b@x.example"),
    endReason="resigned",
    lifecycle="what the source calls it",
)
CONTRACT = engagement("C1", status=EngagementStatus.SUSPENDED, department="Sales", userType="contractor")
OLD = engagement("E0", start=NOW - 2000 * DAY, end=NOW - 1500 * DAY, department="Support")
PERSON = identity(JOB, CONTRACT, OLD)


@pytest.mark.parametrize(
    ("text", "for_job", "for_contract"),
    [
        ('department eq "finance"', True, False),
        ('name.familyName eq "ng"', True, False),
        ('emails co "b@x" and emails.value sw "a@"', True, False),
        ('emails[value eq "b@x.example"]', True, False),
        ('endReason eq "resigned"', True, False),
        ('lifecycle eq "active"', True, True),
        ("endsAt lt now+7d and endsAt gt now", True, False),
        ("startsAt lt now", True, True),
        ("endsAt eq null", False, True),
        ('engagements[department eq "Sales" and lifecycle eq "suspended"]', True, True),
        ('engagements[department eq "Support" and lifecycle eq "ended" and endsAt lt now-1400d]', True, True),
        ('engagements[department eq "Finance" and userType eq "contractor"]', False, False),
        ('engagements[name.familyName eq "Ng" and startsAt lt now]', True, True),
        ('engagements.department eq "Support"', True, True),
    ],
)
def test_bare_attributes_mean_the_engagement_at_hand(text, for_job, for_contract):
    holds = compile_predicate(parse(text, allow_now=True))
    views = [identity_view(PERSON, one, NOW) for one in (JOB, CONTRACT)]
    assert [holds(view, NOW) for view in views] == [for_job, for_contract]


def test_lifecycle_is_that_of_the_person_and_never_what_the_source_says():
    after = NOW + 3 * DAY + timedelta(seconds=1)
    assert identity_view(identity(JOB), JOB, after)["lifecycle"] == "ended"
    assert identity_view(PERSON, JOB, after)["lifecycle"] == "suspended"


def test_an_engagement_of_somebody_else_has_no_view():
    with pytest.raises(ValueError, match="not in tuple"):
        identity_view(PERSON, engagement("E9"), NOW)
