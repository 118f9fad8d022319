"""Every file of tests/data/hr/bad does what its README says, and a stopped batch has no effect (acceptance 4).

docs/feeds.md shows what each file is answered; the test holds the page to what the command really says.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.journeys.northwind import HR, SECOND_LOAD, TOKENS, Finished, Northwind, open_northwind, people_of

pytestmark = [pytest.mark.xdist_group("journey bad files"), pytest.mark.timeout(400)]

BASE = "people-2026-11-23.csv"
LATER = "2026-11-24T07:00:00Z"
PAGE = Path(__file__).parents[2] / "docs" / "feeds.md"
STOPPED = {
    "empty": ["is empty"],
    "header-only": ["S1"],
    "truncated-mid-row": ["S1"],
    "renamed-column": ["manager_id", "mgr_id"],
    "lisbon-vanished": ["Lisbon"],
    "duplicate-id-and-bad-values": ["E10287"],
}


@pytest.fixture(scope="module")
def world() -> Iterator[Northwind]:
    """The base of the bad files: 23 November is loaded and settled."""
    with ExitStack() as stack:
        world = open_northwind(stack, rows=[row for row in people_of(BASE) if row["status"] == "active"])
        world.deliver(BASE)
        world.lastday("source", "read", "hr", "--accept", at=SECOND_LOAD)
        world.settle(at=SECOND_LOAD)
        yield world


@pytest.fixture(scope="module")
def answers(world: Northwind) -> dict[str, Finished]:
    """What `source read` says of each file that stops the feed, one after the other."""
    said = {}
    for name in STOPPED:
        world.deliver(f"bad/{name}.csv")
        said[name] = world.lastday("source", "read", "hr", at=LATER, check=False)
    return said


def token_of(user: str) -> dict[str, str]:
    return {"LASTDAY_TOKEN": TOKENS[f"{user.upper()}_TOKEN"]}


def approve(world: Northwind, subject: str, user: str, *people: str, **token: str) -> Finished:
    named = [part for person in people for part in ("--person", person)]
    variables = token or token_of(user)
    return world.lastday("approve", subject, "--user", user, *named, at=LATER, check=False, **variables)


def pending(world: Northwind) -> set[tuple[str, str, str]]:
    """What a plan made now would do: people's tasks in the disconnected application left out."""
    plan = world.lastday("plan", "--json", at=LATER).json
    return {(o["employee_number"], o["application"], o["verb"]) for o in plan["operations"] if not o["manual"]}


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_feed_is_stopped_and_says_why(answers, name):
    """Exit 4, the place and the mend; nothing was taken in."""
    said = answers[name]
    assert said.code == 4
    for part in ("stopped", *STOPPED[name]):
        assert part in said.err
    assert "the last good feed stays" in said.err


def test_last_good_feed_stays(world, answers):
    """After six stopped files nobody is changed: the plan is empty and no server saw a write."""
    assert answers
    before = world.writes()
    assert pending(world) == set()
    assert {case["state"] for case in world.cases(at=LATER)} <= {"complete", "incomplete"}
    assert world.writes() == before


def test_hostile_names_are_taken_in_harmless(world, answers):
    """Accepted with findings; what reaches the applications moves no cursor and escapes no filter."""
    assert answers
    world.deliver("bad/hostile-names.csv")
    read = world.lastday("source", "read", "hr", "--json", at=LATER)
    assert {finding["severity"] for finding in read.json["findings"]} <= {"info", "warning"}
    assert [(finding["code"], finding["detail"][:7]) for finding in read.json["findings"]] == [
        ("S133", "line 5,"), ("S133", "line 6,"), ("S133", "line 7,"), ("S131", "line 8,")
    ]  # fmt: skip
    world.settle(at=LATER)
    names = [world.entry(number)["displayName"][0] for number in ("E10021", "E10028", "E10035")]
    assert names[0] == "<script>alert(1)</script>"
    assert names[2] == "a*)(uid=*"
    title = world.entry("E10042")["title"][0]
    assert "\n" not in title
    assert "\u202e" not in title
    world.deliver(BASE)
    world.lastday("source", "read", "hr", at=LATER)
    world.settle(at=LATER)
    assert world.entry("E10021")["displayName"] == ["Anil Tanaka"]


@pytest.fixture(scope="module")
def terminated(world: Northwind, answers: dict[str, Finished]) -> Finished:
    """HR sends a file in which everybody has left."""
    assert answers
    world.deliver("bad/everyone-terminated.csv")
    return world.lastday("source", "read", "hr", "--json", at=LATER, check=False)


def test_everyone_terminated_has_no_effect(world, terminated):
    """The batch is stopped with exit 4; plan and apply change nothing at any server."""
    assert terminated.code == 4
    assert terminated.json["stopped"] > 300
    assert any(detail.startswith("403 people of 401") for detail in terminated.json["brakes"])
    before, seen = world.writes(), world.picture().without(())
    plan = world.lastday("plan", "--json", at=LATER, check=False)
    assert plan.json["stopped"]
    assert {o["stopped"] is not None for o in plan.json["operations"] if not o["manual"]} == {True}
    done = world.lastday("apply", plan.json["plan"], "--wait", "--json", at=LATER, check=False)
    assert done.code == 4
    assert world.writes() == before
    assert world.picture().without(()) == seen


def test_emergency_order_passes_meanwhile(world, terminated):
    """A named person is out at once while everybody else is held."""
    number = "E10021"
    before = world.picture().without({number})
    world.lastday(
        "leave", number, "--urgent", "--user", "dana", "--reason", "keys were stolen", at=LATER, **token_of("dana")
    )
    seen = world.picture()
    assert seen.in_directory(number) == (False, frozenset())
    assert seen.in_chat(number)["active"] is False
    assert seen.without({number}) == before


RELEASED = ("E10007", "E10014", "E10028")


def test_release_by_two_acts_on_exactly_the_named_people(world, terminated):
    """Self-approval, a wrong token and a second use are refused; three people go, nobody else."""
    batch = terminated.json["batch"]
    assert approve(world, batch, "dana", *RELEASED, LASTDAY_TOKEN="guess").code == 2
    proposed = approve(world, batch, "dana", *RELEASED)
    assert proposed.code == 0, proposed.err
    (release,) = re.findall(r"\br-\w+", proposed.out)
    alone = approve(world, release, "dana")
    assert (alone.code, "D105" in alone.err) == (2, True)
    before = world.picture().without(RELEASED)
    assert pending(world) >= set()
    assert all(world.picture().in_directory(number)[0] for number in RELEASED)
    assert approve(world, release, "tom").code == 0
    again = approve(world, release, "tom")
    assert (again.code, "D106" in again.err) == (2, True)
    world.settle(at=LATER)
    seen = world.picture()
    for number in RELEASED:
        assert seen.in_directory(number) == (False, frozenset())
        assert seen.in_chat(number)["active"] is False
    assert seen.without(RELEASED) == before


def test_release_names_only_people_of_the_batch(world, terminated):
    """Somebody who is not held, or an auditor's word, releases nobody."""
    strange = approve(world, terminated.json["batch"], "dana", "E10245")
    assert strange.code == 2
    assert "D103" in strange.err


def test_page_on_feeds_shows_what_each_file_is_answered(answers):
    """docs/feeds.md names every bad file with the words and the codes that the command gives."""
    page = PAGE.read_text(encoding="utf-8")
    for name, said in answers.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}.csv` |"))
        (detail,) = re.findall(r"is stopped: (.*)", said.err)
        assert detail in row, f"{name}: {said.err}"
    for name in ("everyone-terminated", "hostile-names"):
        assert f"| `{name}.csv` |" in page
    assert {path.stem for path in (HR / "bad").iterdir()} == {*answers, "everyone-terminated", "hostile-names"}
