"""Announcements: two people say beforehand who leaves, and no brake is surprised then."""

import pytest

from tests.integration.execution.company import TUESDAY

WINDOW = ("--from", "2026-11-23T00:00:00Z", "--until", "2026-11-30T00:00:00Z")


def close_the_office(company, code):
    company.deliver(**{f"E{n}": {"status": "terminated", "end_date": "2026-11-23"} for n in range(2, 13, 2)})
    company.lastday("source", "read", "hr", at=TUESDAY, code=code)


def announced(company, *who):
    made = company.as_user("dana", "announce", "--cause", "office closes", *who, *WINDOW, "--json").json
    return made["announcement"]


def test_announced_leavers_pass_when_two_people_signed(company):
    """Design section 7: cause, population, window, two people; also past the volume brake."""
    announcement = announced(company, "--filter", 'department eq "Sales"')
    company.as_user("tom", "approve", announcement)
    close_the_office(company, code=0)
    company.settle(at=TUESDAY)
    assert {n for n in range(1, 13) if not company.chat.of(f"E{n}").enabled} == {2, 4, 6, 8, 10, 12}


def test_one_signature_is_none(company):
    announcement = announced(company, "--filter", 'department eq "Sales"')
    assert "D105" in company.as_user("dana", "approve", announcement, code=2).err
    close_the_office(company, code=4)


def test_it_covers_exactly_the_people_it_names(company):
    """What is signed is a list: somebody else's leave stays a surprise."""
    company.as_user("tom", "approve", announced(company, "--person", "E2", "--person", "E4"))
    close_the_office(company, code=4)
    company.settle(at=TUESDAY, code=4)
    assert {n for n in range(1, 13) if not company.chat.of(f"E{n}").enabled} == {2, 4}


def test_outside_its_time_it_counts_for_nothing(company):
    made = company.as_user(
        "dana", "announce", "--cause", "x", "--filter", 'department eq "Sales"',
        "--from", "2026-11-25T00:00:00Z", "--until", "2026-11-30T00:00:00Z", "--json",
    ).json  # fmt: skip
    company.as_user("tom", "approve", made["announcement"])
    close_the_office(company, code=4)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--filter", 'department eq "Nowhere"', *WINDOW), "I111"),
        ((*WINDOW,), "I111"),
        (("--person", "E1", "--filter", "title pr", *WINDOW), "I111"),
        (("--filter", "department eq", *WINDOW), "P101"),
        (("--person", "E99", *WINDOW), "I102"),
        (("--person", "E1", "--from", "2026-12-01T00:00:00Z", "--until", "2026-11-30T00:00:00Z"), "I112"),
        (("--person", "E1", "--from", "soon", "--until", "2026-11-30T00:00:00Z"), "I107"),
    ],
)
def test_bad_input_is_named_and_nothing_is_announced(company, arguments, code):
    refused = company.as_user("dana", "announce", "--cause", "x", *arguments, code=2)
    assert f"[{code}]" in refused.err


def test_only_deciders_announce_and_sign(company):
    refused = company.as_user("ida", "announce", "--cause", "x", "--person", "E1", *WINDOW, code=2)
    assert "D102" in refused.err
    announcement = announced(company, "--person", "E1")
    assert "D102" in company.as_user("ida", "approve", announcement, code=2).err
    company.as_user("tom", "approve", announcement)
    assert "D106" in company.as_user("tom", "approve", announcement, code=2).err
    assert "D104" in company.as_user("tom", "approve", "an-none", code=2).err
