"""A connection to a known vendor: what it does and how fast it may be asked is the vendor's (issue 3, point 4)."""

import pytest

from tests.integration.execution.company import CONFIGURATION
from tests.servers.vendors.double import VendorDouble

APPLICATION = """
[app.slack]
connector = "scim"
vendor    = "slack"
url       = "{url}"
token     = {{ file = "{token}" }}
match     = {{ proof = ["externalId = employeeNumber"] }}
owner     = "group:it"
"""


@pytest.fixture
def with_slack(company, tmp_path):
    people = [{"userName": f"p{number}@small.example", "externalId": f"E{number}"} for number in range(1, 6)]
    with VendorDouble("slack", users=people) as double:
        token = tmp_path / "token"
        token.write_text(double.token)
        token.chmod(0o600)
        company.config.write_text(CONFIGURATION + APPLICATION.format(url=double.url, token=token))
        yield company


def test_what_each_verb_does_is_said_of_the_vendor(with_slack):
    told = with_slack.lastday("app", "test", "slack", "--json").json
    assert told["destroys"] == []
    assert any("webhooks" in what for what in told["survives"])
    assert any("workflows" in what for what in told["hand_over_first"])
    assert told["verbs"]["disable"] == "PATCH /Users/{id}: active is false. The account stays."


def test_requests_count_in_the_vendors_limits_too(with_slack):
    """Shared with all workers: the rows of the budget."""
    with_slack.lastday("app", "test", "slack")

    async def rows(session):
        async with session.engine.database.transaction() as tx:
            return {row["application"] for row in await tx.fetch_all("SELECT application FROM budget")}

    assert {"slack", "slack#reads"} <= with_slack.in_session(rows)


def test_a_vendor_that_nobody_knows_is_an_error_before_anything_is_read(with_slack):
    text = with_slack.config.read_text().replace('vendor    = "slack"', 'vendor    = "slak"')
    with_slack.config.write_text(text)
    told = with_slack.lastday("app", "test", "slack", code=None)
    assert told.code != 0
    assert "slak" in told.err
