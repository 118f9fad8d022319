"""`lastday check` knows what a connection to a vendor must say, before anything is opened (S-41)."""

import pytest

from lastday.app import Composition
from lastday.configuration.problems import ConfigurationProblems

AROUND = """[company]
name = "Example"
time_zone = "Europe/Berlin"

[source.hr]
kind = "csv"
path = "people.csv"
key = "id"
[source.hr.map]
employeeNumber = "id"
status = { column = "status", active = ["active"] }

[leaver.standard]
limit = "15m"

[app.chat]
connector = "scim"
token = { env = "CHAT_TOKEN" }
match = { proof = ["externalId = employeeNumber"] }
"""


def problems_of(tmp_path, lines):
    path = tmp_path / "lastday.toml"
    path.write_text(AROUND + lines, encoding="utf-8")
    with pytest.raises(ConfigurationProblems) as raised:
        Composition({}).configuration(path)
    return raised.value.problems


@pytest.mark.parametrize(
    ("lines", "what", "mend"),
    [
        ('vendor = "slak"', "there is no vendor 'slak'", "slack"),
        ('vendor = "adobe"', "Adobe Admin Console takes no SCIM from Lastday", "User Management API"),
        ('vendor = "aws_identity_center"', "is needed for https://scim.", "address"),
        ("", "url or vendor is needed", "/Users"),
    ],
    ids=["unknown", "takes no SCIM", "a blank of the address", "no address at all"],
)
def test_a_connection_that_cannot_be_opened_is_a_mistake_in_the_file(tmp_path, lines, what, mend):
    (problem,) = problems_of(tmp_path, lines)
    assert what in problem.what
    assert mend in problem.mend
    assert problem.place.section == "app.chat"
