"""What people hold when an application is connected is adopted (design section 2), whatever was read first."""

from tests.integration.execution.company import CONFIGURATION, Company


def test_what_was_found_is_adopted_although_the_application_was_read_before_the_people(tmp_path, database_url):
    """Looking at an application first would else take from everybody what no role gives."""
    company = Company(tmp_path, database_url)
    for number in range(1, 7):
        company.hire(number)
    company.chat.add("c2", "p2@small.example", "group/all", "group/engineers", externalId="E2")
    company.config.write_text(CONFIGURATION, encoding="utf-8")
    company.export_design()
    company.deliver()
    company.lastday("app", "read", "chat")
    company.lastday("source", "read", "hr", "--accept")
    company.settle()
    assert company.chat.writes == []
