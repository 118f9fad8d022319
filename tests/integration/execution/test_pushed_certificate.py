"""The certificate of a leaver whom a client pushed names the client and the request (S-41; issue acceptance 5)."""

import json
import zipfile

import pytest

from lastday.execution.reconcile import reconcile_due
from tests.integration.execution.pushed_company import (
    NINE,
    PERSON,
    SOURCE,
    TEN,
    found_pushed_company,
    gone,
    patch,
)
from tests.integration.execution.pushes import client


@pytest.fixture
def company(tmp_path, database_url):
    return found_pushed_company(tmp_path, database_url)


def bundle_of_the_case(company, at):
    """The page and the row of the only case there is."""
    [case] = company.lastday("case", "list", "--all", "--json", at=at).json["cases"]
    path = company.folder / "case.zip"
    company.lastday("evidence", "bundle", case["case"], "--out", str(path), at=at)
    with zipfile.ZipFile(path) as bundle:
        return bundle.read("report.html").decode(), json.loads(bundle.read("feed-row.json"))


def test_it_names_client_method_request_and_what_was_switched(company):
    by = client(name="okta-preview")
    company.push(patch(company.ids[3], by=by, request="req-77", active=False), at=NINE)
    company.go_on(at=NINE)
    page, row = bundle_of_the_case(company, TEN)
    assert "client okta-preview, PATCH, request req-77, received 2026-11-23 09:00:0" in page
    assert f"{company.ids[3]} of source idp: active true -&gt; false" in page
    [request] = row["pushed"]
    assert (request["client"], request["method"], request["request"]) == ("okta-preview", "PATCH", "req-77")
    assert (row["key"], row["change"]) == (company.ids[3], "active true -> false")
    assert request["received_at"].startswith("2026-11-23T09:00:0")


def test_a_deletion_is_told_as_one(company):
    company.push(gone(company.ids[4], request="req-del"), at=NINE)
    company.go_on(at=NINE)
    page, row = bundle_of_the_case(company, TEN)
    assert "DELETE, request req-del" in page
    assert row["change"] == "taken away by the client"


def test_every_request_of_the_batch_is_named_and_no_other_persons(company):
    company.push(
        patch(company.ids[3], request="req-1", title="Lead"),
        patch(company.ids[4], request="req-2", title="Lead"),
        patch(company.ids[3], request="req-3", active=False),
        at=NINE,
    )
    company.go_on(at=NINE)
    cases = company.lastday("case", "list", "--all", "--json", at=TEN).json["cases"]
    [leaver] = [case for case in cases if case["kind"] == "leaver"]
    path = company.folder / "case.zip"
    company.lastday("evidence", "bundle", leaver["case"], "--out", str(path), at=TEN)
    with zipfile.ZipFile(path) as bundle:
        row = json.loads(bundle.read("feed-row.json"))
    assert [one["request"] for one in row["pushed"]] == ["req-1", "req-3"]


def test_an_end_that_came_by_itself_names_the_push_that_told_of_it(company):
    company.push(patch(company.ids[3], request="req-end", also={PERSON: {"endsAt": "2026-11-23T09:30:00Z"}}), at=NINE)
    company.go_on(at=NINE)

    async def due(session):
        await reconcile_due(session.engine)

    company.in_session(due, at=TEN)
    company.go_on(at=TEN)
    page, row = bundle_of_the_case(company, TEN)
    assert "request req-end" in page
    assert row["change"] is None


def test_the_reason_is_in_no_bundle(company):
    """Design section 10: end reasons are for HR and legal."""
    said = {"endReason": "embezzlement"}
    company.push(patch(company.ids[3], active=False, also={PERSON: said}), at=NINE)
    company.go_on(at=NINE)
    page, row = bundle_of_the_case(company, TEN)
    assert "embezzlement" not in page + json.dumps(row)


def test_a_status_of_its_own_is_told_in_the_words_of_the_client(tmp_path, database_url):
    urn = "urn:example:params:scim:schemas:extension:company:2.0:User"
    source = (
        f'{SOURCE}[source.idp.extension."{urn}"]\nstate = {{ type = "string" }}\n\n[source.idp.map]\n'
        f'status = {{ column = "{urn}:state", active = ["here"], suspended = ["leave"], ended = ["gone"] }}\n\n'
    )
    company = found_pushed_company(tmp_path, database_url, people=2, source=source, also={urn: {"state": "here"}})
    company.push(patch(company.ids[1], request="req-9", also={urn: {"state": "leave"}}, active=False), at=NINE)
    company.go_on(at=NINE)
    page, row = bundle_of_the_case(company, TEN)
    assert row["change"] == f"{urn}:state here -> leave"
    assert "request req-9" in page
