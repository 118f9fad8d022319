"""Pairs of files in other languages, formats and login patterns: what is found, and that nothing is wrong."""

import csv

import pytest

from lastday.inventory.audit.linking import CERTAIN
from lastday.inventory.audit.report import Verdict
from lastday.inventory.audit.run import audit
from tests.data.audit.make import PAIRS, write
from tests.unit.audit.files import AT, DATA, from_disk

RECALL = 0.95


@pytest.fixture(scope="module", params=sorted(PAIRS))
def pair(request):
    place = DATA / "audit" / request.param
    with (place / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["native_id"]: row for row in csv.DictReader(file)}
    report = audit(from_disk(place / "people.csv"), {"app": from_disk(place / "accounts.csv")}, AT)
    return request.param, truth, {one.native_id: one for one in report.accounts}


def test_recall_is_high_and_no_link_is_wrong(pair):
    """Issue 2, acceptance 11: recall and wrong links are reported for three more pairs and asserted."""
    name, truth, found = pair
    assert set(found) == set(truth)
    wrong = [n for n, one in found.items() if one.employee_number and one.employee_number != truth[n]["owner"]]
    decidable = [n for n, row in truth.items() if row["decidable"] == "yes" and row["still_in"] == "yes"]
    named = [n for n in decidable if found[n].verdict is Verdict.STILL_IN]
    owned = [n for n, row in truth.items() if row["decidable"] == "yes" and row["owner"]]
    linked = [n for n in owned if found[n].employee_number == truth[n]["owner"]]
    print(
        f"{name}: {len(truth)} accounts, wrong links {len(wrong)}, still in {len(named)} of {len(decidable)},"
        f" linked {len(linked)} of {len(owned)} decidable"
    )
    assert wrong == []
    assert len(decidable) >= 7
    assert len(named) >= RECALL * len(decidable)
    assert len(linked) >= RECALL * len(owned)


def test_nobody_is_called_still_in_who_is_not(pair):
    _, truth, found = pair
    assert [n for n, one in found.items() if one.verdict is Verdict.STILL_IN and truth[n]["still_in"] != "yes"] == []


def test_machines_are_not_personal_and_strangers_have_no_owner(pair):
    _, truth, found = pair
    for native, row in truth.items():
        if row["personal"] == "no":
            assert found[native].verdict is Verdict.NOT_PERSONAL
        elif not row["owner"]:
            assert found[native].verdict in (Verdict.UNOWNED, Verdict.AMBIGUOUS)


def test_a_number_stands_only_where_the_confidence_is_enough_to_act_on(pair):
    _, _, found = pair
    assert all(one.confidence >= CERTAIN for one in found.values() if one.employee_number is not None)


def test_the_committed_files_are_those_that_the_script_makes(tmp_path):
    write(tmp_path)
    for name in PAIRS:
        for made in (tmp_path / name).iterdir():
            assert made.read_bytes() == (DATA / "audit" / name / made.name).read_bytes()
