"""Sources that push (`kind = "scim"`) and the server they push to (S-42)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.configuration.load import load_configuration
from lastday.configuration.problems import ConfigurationProblem, ConfigurationProblems
from lastday.configuration.scim_paths import DEFAULT_MAP, USER_PATHS, scim_path
from lastday.configuration.server import listen_of
from lastday.configuration.settings import (
    CustomAttributeSettings,
    CustomAttributeType,
    CustomMutability,
    CustomReturned,
    ServerSettings,
)
from lastday.model.errors import FilterError
from lastday.model.identity import EngagementStatus
from lastday.model.ids import SourceName

SERVER = '[server]\nlisten = "127.0.0.1:8080"\n'
SOURCE = '[source.idp]\nkind = "scim"\n'
REST = """[company]
name = "Northwind Robotics"
time_zone = "Europe/Berlin"
[leaver.standard]
limit = "15m"
"""
URN = "urn:example:params:scim:schemas:extension:company:2.0:User"
EXTENSION = f'[source.idp.extension."{URN}"]\n'


def load(folder: Path, text: str):
    file = folder / "lastday.toml"
    file.write_text(text)
    return load_configuration(file, {})


def idp(folder: Path, more: str = ""):
    return load(folder, REST + SERVER + SOURCE + more).sources[SourceName("idp")]


def test_a_pushed_source_needs_nothing_but_its_kind(tmp_path):
    """Everything else has a default: the key is `id`, always there and immutable (RFC 7643 section 3.1)."""
    source = idp(tmp_path)
    assert (source.kind, source.path, source.key, source.person_key) == ("scim", None, "id", None)
    assert source.is_pushed
    assert source.columns == DEFAULT_MAP
    assert source.status is not None
    assert (source.status.column, source.status.values) == (
        "active",
        {"true": EngagementStatus.ACTIVE, "false": EngagementStatus.ENDED},
    )
    assert source.extensions == ()


def test_the_default_map_names_only_attributes_that_can_be_pushed():
    assert set(DEFAULT_MAP.values()) <= set(USER_PATHS)


def test_a_map_adds_changes_and_leaves_out(tmp_path):
    """What is not said stays as the default has it; only mapped attributes are stored (design section 10)."""
    written = (
        '[source.idp.map]\nbadge = "externalId"\nEMAILS.VALUE = "userName"\nendReason = false\n'
        '"phone" = \'phoneNumbers[type eq "work"].value\'\n'
    )
    columns = idp(tmp_path, written.replace("EMAILS.VALUE", '"EMAILS.VALUE"')).columns
    assert columns["badge"] == "externalId"
    assert columns["EMAILS.VALUE"] == "userName"
    assert columns["phone"] == 'phoneNumbers[type eq "work"].value'
    assert {"endReason", "emails.value"} & set(columns) == set()
    assert columns["userName"] == "userName"


def test_a_status_may_come_from_another_attribute(tmp_path):
    written = (
        f'{EXTENSION}state = {{ type = "string" }}\n[source.idp.map]\n'
        f'status = {{ column = "{URN}:state", active = ["here"], suspended = ["Leave "], ended = ["gone"] }}\n'
    )
    status = idp(tmp_path, written).status
    assert status is not None
    assert status.column == f"{URN}:state"
    assert status.values == {
        "here": EngagementStatus.ACTIVE,
        "leave": EngagementStatus.SUSPENDED,
        "gone": EngagementStatus.ENDED,
    }


def test_conditions_speak_of_what_a_pushed_source_has_by_default(tmp_path):
    """S-42: manager and groups are usable in policy."""
    role = (
        '[role.finance]\nwhen = \'department eq "Finance" and groups.display eq "Books" and manager pr\'\ngive = []\n'
    )
    assert load(tmp_path, REST + SERVER + SOURCE + role).roles


def test_an_attribute_that_was_left_out_is_unknown_to_conditions(tmp_path):
    text = REST + SERVER + SOURCE + "[source.idp.map]\ndepartment = false\n"
    role = "[role.finance]\nwhen = 'department eq \"Finance\"'\ngive = []\n"
    (problem,) = problems_of(tmp_path, text + role)
    assert problem.code == "P103"


def test_extensions_have_the_characteristics_of_the_standard(tmp_path):
    """RFC 7643 section 7, spelled as there."""
    written = (
        f'{EXTENSION}badge = {{ type = "string", caseExact = true, mutability = "immutable", required = true }}\n'
        'desks = { type = "complex", multiValued = true, returned = "request", description = "Where they sit",\n'
        ' subAttributes = { floor = { type = "integer" } } }\n'
    ).replace(",\n ", ", ")
    (schema,) = idp(tmp_path, written).extensions
    assert schema.urn == URN
    badge, desks = schema.attributes
    assert badge == CustomAttributeSettings(
        name="badge", case_exact=True, required=True, mutability=CustomMutability.IMMUTABLE
    )
    assert (desks.type, desks.multi_valued, desks.returned) == (
        CustomAttributeType.COMPLEX,
        True,
        CustomReturned.REQUEST,
    )
    assert desks.sub_attributes == (CustomAttributeSettings(name="floor", type=CustomAttributeType.INTEGER),)


def test_a_map_may_name_what_an_extension_declares(tmp_path):
    written = (
        f'{EXTENSION}desk = {{ type = "complex", subAttributes = {{ floor = {{ type = "integer" }} }} }}\n'
        f'[source.idp.map]\nfloor = "{URN}:desk.floor"\n'
    )
    assert idp(tmp_path, written).columns["floor"] == f"{URN}:desk.floor"


# What stands in the file (`|` before where the error must point), code, suggestion.
SOURCE_MISTAKES = [
    ('person_key = |"externalID2"', "P103", "externalId"),
    ('key = |"emails.vlaue"', "P103", "emails.value"),
    ('key = "emails[type eq |"', "P101", None),
    ('|path = "people.csv"', "P102", None),
    ('|date = "YYYY-MM-DD"', "P102", None),
    ("[source.idp.map]\nuserName = |true", "P107", None),
    ("[source.idp.map]\nuserName = |7", "P105", None),
    ('[source.idp.map]\nuserName = "userName"\nUSERNAME = |"userName"', "P117", None),
    ('[source.idp.map]\ndepartment = |"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:departmnet"', "P103",
     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    ('[source.idp.map]\nstatus = { column = |"aktive", ended = ["no"] }', "P103", "active"),
    ('[source.idp.map]\nstatus = { column = "active", |endet = ["no"] }', "P102", "ended"),
    ('[source.idp.map]\n|status = { active = ["yes"] }', "P106", None),
    ('[source.idp.extension.|company]\nbadge = { type = "string" }', "P107", None),
    ('[source.idp.extension.|"urn:ietf:params:scim:schemas:core:2.0:User"]\nbadge = {}', "P117", None),
    (f"[source.idp.extension.|\"{URN}\"]", "P106", None),
    (EXTENSION + 'badge = { type = |"strin" }', "P107", "string"),
    (EXTENSION + 'badge = { |multivalued = true }', "P102", "multiValued"),
    (EXTENSION + '|"2nd" = { type = "string" }', "P107", None),
    (EXTENSION + 'badge = {}\n|Badge = {}', "P117", None),
    (EXTENSION + 'badge = { mutability = |"readWrit" }', "P107", "readWrite"),
    (EXTENSION + 'badge = { subAttributes = |{ a = {} } }', "P107", None),
    (EXTENSION + '|badge = { type = "complex" }', "P106", None),
    (EXTENSION + 'badge = { type = "complex", subAttributes = { a = { type = |"complex" } } }', "P107", None),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "code", "suggestion"), SOURCE_MISTAKES, ids=[m[0][:60] for m in SOURCE_MISTAKES])
def test_a_mistake_in_a_pushed_source_is_one_error_at_its_place(tmp_path, wrong, code, suggestion):
    (problem,) = problems_of(tmp_path, REST + SERVER + SOURCE + wrong.replace("|", ""))
    assert (where(problem), problem.code) == (pointed(REST + SERVER + SOURCE, wrong), code)
    assert isinstance(problem, ConfigurationProblem)
    assert (problem.suggestion or "").lower() == (suggestion or "").lower()


def test_a_misspelt_kind_is_one_mistake(tmp_path):
    (problem,) = problems_of(tmp_path, REST + SERVER + '[source.idp]\nkind = "skim"\n')
    assert (problem.code, problem.suggestion) == ("P107", "scim")


def test_the_server_is_optional_where_nobody_pushes(tmp_path):
    assert load(tmp_path, REST).server is None


def test_a_pushed_source_needs_something_that_listens(tmp_path):
    (problem,) = problems_of(tmp_path, REST + SOURCE)
    assert (problem.code, where(problem)) == ("P106", pointed(REST, "[source.|idp]"))


def test_a_misspelt_server_is_one_mistake(tmp_path):
    (problem,) = problems_of(tmp_path, REST + SOURCE + SERVER.replace("[server]", "[servre]"))
    assert (problem.code, problem.suggestion) == ("P102", "server")


def test_a_server_listens_on_this_machine_unless_told_otherwise(tmp_path):
    server = load(tmp_path, REST + "[server]\n").server
    assert isinstance(server, ServerSettings)
    assert (server.host, server.port, server.url, server.certificate) == ("127.0.0.1", 8080, None, None)


def test_a_server_on_the_network_has_a_certificate(tmp_path):
    """Files stand beside the configuration, as everywhere."""
    text = (
        '[server]\nlisten = "0.0.0.0:8443"\nurl = "https://lastday.example/"\n'
        'certificate = "tls/chain.pem"\nprivate_key = "/etc/key.pem"\n'
    )
    server = load(tmp_path, REST + text).server
    assert server is not None
    assert server.url == "https://lastday.example"
    assert (server.certificate, server.private_key) == (tmp_path / "tls/chain.pem", Path("/etc/key.pem"))


def test_behind_a_proxy_a_server_may_listen_in_clear(tmp_path):
    text = '[server]\nlisten = "10.0.0.5:8080"\nurl = "https://lastday.example"\nbehind_proxy = true\n'
    server = load(tmp_path, REST + text).server
    assert server is not None
    assert server.behind_proxy


SERVER_MISTAKES = [
    ('listen = |"8080"', "P107"),
    ('listen = |"127.0.0.1:70000"', "P107"),
    ('listen = |"10.0.0.5:8080"', "P114"),
    ('listen = |"127.0.0.1.example:8080"', "P114"),
    ('listen = "127.0.0.1:8080"\nurl = |"lastday.example"', "P107"),
    ('listen = "127.0.0.1:8080"\nurl = |"http://lastday.example"', "P114"),
    ('listen = "127.0.0.1:8080"\nurl = |"https://me:pw@lastday.example"', "P104"),
    ('listen = "127.0.0.1:8080"\nurl = |"https://lastday.example?a=b"', "P107"),
    ('listen = "127.0.0.1:8080"\ncertificate = |"chain.pem"', "P106"),
    ('listen = "127.0.0.1:8080"\nprivate_key = |"key.pem"', "P106"),
    ('lisen = "127.0.0.1:8080"', "P102"),
]


@pytest.mark.parametrize(("wrong", "code"), SERVER_MISTAKES, ids=[m[0] for m in SERVER_MISTAKES])
def test_a_mistake_in_the_server_is_one_error_at_its_place(tmp_path, wrong, code):
    (problem,) = problems_of(tmp_path, REST + "[server]\n" + wrong.replace("|", ""))
    assert problem.code == code
    if "|" in wrong:
        assert where(problem) == pointed(REST + "[server]\n", wrong)


@pytest.mark.parametrize(
    "text",
    [
        'listen = "0.0.0.0:8443"\ncertificate = "c.pem"\nprivate_key = "k.pem"',
        'listen = "127.0.0.1:80"\nbehind_proxy = true',
    ],
)
def test_clients_must_be_told_where_they_reach_a_server(tmp_path, text):
    """`0.0.0.0` is no address, and behind a proxy nobody knows ours."""
    (problem,) = problems_of(tmp_path, REST + "[server]\n" + text)
    assert (problem.code, "url" in problem.what) == ("P106", True)


def test_a_path_tells_which_values_of_a_plural_attribute_are_meant():
    """RFC 7644 section 3.5.2, figure 7."""
    path = scim_path('urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value')
    assert (path.path.attribute, path.path.sub) == ("emails", "value")
    assert path.condition is not None
    assert scim_path("name.givenName").condition is None


@given(st.text())
def test_whatever_is_no_path_is_refused_as_one(text):
    """Any text is a path that is written as it was read, or a FilterError."""
    try:
        path = scim_path(text)
    except FilterError:
        return
    assert text.startswith((path.path.attribute, "urn:")) or "[" in text


@given(st.from_regex(r"\A[a-z]{1,9}(\.[a-z]{1,9}){0,3}\Z"), st.integers(min_value=0, max_value=65535))
def test_every_host_and_port_is_read(host, port):
    assert listen_of(f"{host}:{port}") == (host, port)


def problems_of(folder, text):
    with pytest.raises(ConfigurationProblems) as caught:
        load(folder, text)
    return caught.value.problems


def where(problem):
    return problem.where.rpartition("lastday.toml:")[2]


def pointed(before, marked):
    lead = before + marked.partition("|")[0]
    return f"{lead.count(chr(10)) + 1}:{len(lead) - (lead.rfind(chr(10)) + 1) + 1}"
