"""A configuration file becomes a `Configuration`, or every mistake in it is told."""

from collections.abc import Mapping
from pathlib import Path

from lastday.configuration.access import read_absences, read_brakes, read_leavers, read_role, read_sod, read_test
from lastday.configuration.applications import read_application
from lastday.configuration.connector_keys import ConnectorKeys
from lastday.configuration.document import Document, read_document
from lastday.configuration.people import read_company, read_source, read_user
from lastday.configuration.policy_digest import policy_digest
from lastday.configuration.problems import Collector
from lastday.configuration.server import read_server
from lastday.configuration.settings import Configuration
from lastday.configuration.table import Table
from lastday.configuration.vocabulary import SECTIONS, Vocabulary, vocabulary_of


def load_configuration(path: Path, connectors: Mapping[str, ConnectorKeys]) -> Configuration:
    """The configuration in the file `path`, checked whole against `connectors`; nothing but that file is read.

    Raises ConfigurationProblems with every mistake, each with file:line:column, in the order of the file.
    """
    document = read_document(path)
    problems = Collector()
    root = Table(document, problems, (), document.values)
    configuration = _read(root, document, connectors, vocabulary_of(document))
    problems.raise_if_any()
    return configuration


def _read(
    root: Table, document: Document, connectors: Mapping[str, ConnectorKeys], vocabulary: Vocabulary
) -> Configuration:
    company = read_company(root)
    sources = [read_source(table) for table in root.tables("source")]
    server = read_server(root, sources)
    users = [read_user(table) for table in root.tables("user")]
    applications = [read_application(table, connectors, vocabulary) for table in root.tables("app")]
    roles = [role for table in root.tables("role") if (role := read_role(table, vocabulary)) is not None]
    sod = [rule for table in root.tables("sod") if (rule := read_sod(table, vocabulary)) is not None]
    leavers = read_leavers(root, vocabulary)
    suspended, released = read_absences(root, vocabulary)
    brakes = read_brakes(root)
    tests = [read_test(table, vocabulary) for table in root.table_list("test")]
    root.close(hint=f"Sections: {', '.join(SECTIONS)}.")
    return Configuration(
        company=company,
        sources={source.name: source for source in sources},
        users={user.name: user for user in users},
        applications={application.name: application for application in applications},
        roles={role.name: role for role in roles},
        sod=tuple(sod),
        leavers=leavers,
        suspended=suspended,
        released=released,
        brakes=brakes,
        tests=tuple(tests),
        policy_digest=policy_digest(
            sources=sources,
            applications=applications,
            roles=roles,
            sod=sod,
            leavers=leavers,
            suspended=suspended,
            released=released,
        ),
        text=document.written,
        path=document.path,
        server=server,
    )
