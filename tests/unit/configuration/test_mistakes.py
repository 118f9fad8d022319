"""Each mistake is told once, at its place, with what was probably meant; all of them at once."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.configuration.load import load_configuration
from lastday.configuration.problems import ConfigurationProblem, ConfigurationProblems, render
from lastday.model.errors import ConfigurationError, ExitCode
from lastday.model.ids import ApplicationName
from tests.unit.configuration.known_connectors import CONNECTORS, DATA

FILE = DATA / "northwind.toml"
TWELVE = DATA / "twelve-mistakes.toml"

# What is written, what stands there instead (`|` before where the error must point), code, suggestion.
MISTAKES = [
    ('time_zone = "Europe/Berlin"', 'time_zone = |"Europe/Berlni"', "P107", "Europe/Berlin"),
    ('name      = "Northwind Robotics"', "name      = |7", "P105", None),
    ("[brakes]", "[|brake]", "P102", "brakes"),
    ("[brakes]", '[[|approve]]\nwho = "x"\n[brakes]', "P102", None),
    ("surprise_leavers_floor = 3", "|surprise_leaver_floor = 3", "P102", "surprise_leavers_floor"),
    ("surprise_leavers_floor = 3", "surprise_leavers_floor = |-1", "P107", None),
    ("surprise_leavers_floor = 3", "surprise_leavers_floor = |true", "P105", None),
    ("surprise_leavers_floor = 3", "surprise_leavers_floor = |3.5", "P105", None),
    ("surprise_leavers_floor = 3", "removals_percent = |101", "P107", None),
    ("surprise_leavers_floor = 3", "feed_rows_percent = |0", "P107", None),
    ('kind         = "csv"', 'kind         = |"cvs"', "P107", "csv"),
    ('date         = "YYYY-MM-DD"', 'date         = |"YYYY-MM-MM"', "P107", None),
    ('end_of_day   = "17:00"', 'end_of_day   = |"24:00"', "P107", None),
    ("files = 2", "files = |0", "P107", None),
    ("files = 2", "|file = 2", "P102", "files"),
    ('suspended = ["on_leave"]', 'suspended = ["on_leave"], released = [|"On_Leave "]', "P117", None),
    ('suspended = ["on_leave"]', '|suspnded = ["on_leave"]', "P102", "suspended"),
    ('roles = ["approver", "auditor"]', 'roles = ["approver", |"auditer"]', "P107", "auditor"),
    ('token = { env = "TOM_TOKEN" }', 'token = |"abc"', "P104", None),
    ('token = { env = "TOM_TOKEN" }', 'token = { |enw = "TOM_TOKEN" }', "P102", "env"),
    ('token = { env = "TOM_TOKEN" }', 'token = |{ env = "A", file = "B" }', "P107", None),
    ('connector  = "ldap"', 'connector  = |"ldpa"', "P109", "ldap"),
    ("ldap://127.0.0.1:1389", "|ldap://ldap.example", "P114", None),
    ("ldap://127.0.0.1:1389", "|ldap://127.0.0.1.example", "P114", None),
    ("http://127.0.0.1:8801/v2", "|http://chat.example/v2", "P114", None),
    ("http://127.0.0.1:8801/v2", "|https://me:pw@chat.example/v2", "P104", None),
    ("http://127.0.0.1:8801/v2", "|chat.example", "P107", None),
    ("http://127.0.0.1:8801/v2", "|http://[::1", "P107", None),
    ('password   = { env = "LDAP_PASSWORD" }', 'password   = |"hunter2"', "P104", None),
    ('base_dn    = "dc=northwind,dc=example"', '|base_nd    = "dc=northwind,dc=example"', "P102", "base_dn"),
    ('"mail = emails.value"', '"mail = |emails.valu"', "P103", "emails.value"),
    ('"mail = emails.value"', '|"mail is emails.value"', "P107", None),
    ('{ proof = ["comment = employeeNumber"] }', "|{}", "P106", None),
    ("{name.familyName:ascii}{n}@", "{|name.famlyName:ascii}{n}@", "P103", "name.familyName"),
    ('"{userName}", ', '"{userName}|}", ', "P107", None),
    ('"{userName}", ', '"|{userName:upper}", ', "P107", None),
    ('"{userName}", ', '|"boss", ', "P107", None),
    ('title = "title"', 'title = "|titel"', "P103", "title"),
    ('owner      = "group:it"', 'owner      = |"it"', "P107", None),
    ('mode       = "enforce"', 'mode       = |"enforced"', "P107", "enforce"),
    ("[app.directory]", "[|ap.directory]", "P102", "app"),
    ("[source.hr.map]", "[source.hr.|mpa]", "P102", "map"),
    ("'uid eq", "'uid pr and x lt |now and uid eq", "P101", None),
    ("'uid sw \"breakglass\"'", "'uid |sv \"breakglass\"'", "P101", None),
    ('privileged = ["group', 'privileged = [|"directory:group', "P107", "group/directory-admins"),
    ('settle    = "5s"', 'settle    = |"5 seconds"', "P107", None),
    ('keep_for  = "30d"', 'keep_for  = |"-30d"', "P107", None),
    ('keep_for  = "30d"', '|keep_fro  = "30d"', "P102", "keep_for"),
    ("price = 12.50", "price = |-1", "P105", None),
    ('currency = "EUR"', 'currency = |"euro"', "P107", None),
    ('department eq "People"', '|departmnet eq "People"', "P103", "department"),
    ('department eq "People"', '|active eq true', "P103", None),
    ('department eq "People"', 'engagements[|departmnet eq "People"]', "P103", "department"),
    ('department eq "People" and', 'department eq "People" |adn', "P101", None),
    ('"directory:group/payroll", "ledger', '"|direktory:group/payroll", "ledger', "P108", "directory"),
    ('"directory:group/payroll", "ledger', '|"payroll", "ledger', "P107", None),
    ('"directory:group/vpn"]', '"directory:group/vpn", |"directory:group/vpn"]', "P117", None),
    ('keep = "all"', 'keep = |"some"', "P107", None),
    ('keep = ["directory:account"]', 'keep = ["|directry:account"]', "P108", "directory"),
    ('{ lifecycle = "active", d', '{ lifecycle = |"activ", d', "P107", "active"),
    ('"active", department = "Eng', '"active", |deparment = "Eng', "P103", "department"),
    ('has     = ["directory:account"]', 'has     = ["|dir:account"]', "P108", None),
]  # fmt: skip


def problems_of(file):
    with pytest.raises(ConfigurationProblems) as caught:
        load_configuration(file, CONNECTORS)
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    return caught.value.problems


def written(folder, text):
    file = folder / "lastday.toml"
    file.write_text(text)
    return file


def place(text, offset):
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@pytest.mark.parametrize(("right", "wrong", "code", "suggestion"), MISTAKES, ids=[m[1][:60] for m in MISTAKES])
def test_a_mistake_is_one_error_at_its_place(tmp_path, right, wrong, code, suggestion):
    """Issue, acceptance 10: file:line:column, and a suggestion where one is near."""
    text = FILE.read_text()
    start = text.index(right)
    broken = text[:start] + wrong.replace("|", "", 1) + text[start + len(right) :]
    pointed = start + wrong.index("|")
    if code in ("P114", "P104") and text[start - 1] == '"' and wrong.startswith("|"):
        pointed -= 1  # the whole text is at fault, its quotes included
    if wrong in ("|chat.example", "|http://[::1"):
        pointed -= 1
    file = written(tmp_path, broken)
    (problem,) = problems_of(file)
    line, column = place(broken, pointed)
    assert (problem.where, problem.code) == (f"{file}:{line}:{column}", code)
    assert isinstance(problem, ConfigurationProblem)
    assert problem.suggestion == suggestion


TWELVE_PLACES = [
    ("4:13", "P107", "Europe/Berlin"),
    ("10:8", "P107", None),
    ("23:19", "P107", "approver"),
    ("28:13", "P114", None),
    ("30:13", "P104", None),
    ("33:13", "P107", "enforce"),
    ("40:29", "P103", "userName"),
    ("41:1", "P102", "keep_for"),
    ("44:35", "P103", "department"),
    ("45:10", "P108", "directory"),
    ("48:37", "P101", None),
    ("55:26", "P107", None),
]


def test_twelve_mistakes_give_twelve_errors_in_the_order_of_the_file():
    """Issue, acceptance 10: reading never stops at the first."""
    found = [(p.where, p.code, p.suggestion) for p in problems_of(TWELVE) if isinstance(p, ConfigurationProblem)]
    assert found == [(f"{TWELVE}:{where}", code, suggestion) for where, code, suggestion in TWELVE_PLACES]


def test_an_error_is_shown_with_its_line_and_a_caret():
    """The shape of an error on the command line."""
    problem = next(p for p in problems_of(TWELVE) if p.code == "P103" and "departmnet" in p.what)
    assert render(problem, TWELVE.read_text()).split("\n") == [
        "error: no attribute called departmnet  [P103]",
        f"  --> {TWELVE}:44:35  in role.finance",
        '44 | when = \'lifecycle eq "active" and departmnet sw "Finance"\'',
        "   |                                   ^^^^^^^^^^ did you mean department?",
        "   = nothing was changed",
    ]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('{ env = "TOM_TOKEN" }', '"hunter2"'),
        ('{ env = "TOM_TOKEN" }', '"""hunter2\n"""'),
        ('token = { env = "TOM_TOKEN" }', 'tokne = "hunter2"'),
        ('{ env = "TOM_TOKEN" }', '{ enw = "hunter2" }'),
        ('{ env = "TOM_TOKEN" }', '"hunter2" x'),
        ("http://127.0.0.1", "http://me:hunter2@127.0.0.1"),
    ],
)
def test_a_secret_in_the_file_is_never_repeated(tmp_path, right, wrong):
    """Neither the error nor the excerpt shows it: check runs in pipelines whose logs many read."""
    file = written(tmp_path, FILE.read_text().replace(right, wrong, 1))
    for problem in problems_of(file):
        assert "hunter2" not in render(problem, file.read_text()) + str(problem)


def test_a_value_in_an_escaped_string_is_pointed_at_where_it_is_written(tmp_path):
    """Escapes and joined lines before the place move the column, not the aim."""
    text = FILE.read_text().replace(
        '\'department eq "People" and title co "Payroll"\'', '"""department eq \\"People\\" \\\n   and titel pr"""'
    )
    (problem,) = problems_of(written(tmp_path, text))
    line, column = place(text, text.index("titel"))
    assert problem.where is not None
    assert problem.where.endswith(f":{line}:{column}")


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_leaver_profile_is_the_default(tmp_path, count):
    text = FILE.read_text()
    leavers = "[leaver.standard]\n"
    changed = {0: f"{leavers}when = 'title pr'\n", 2: f'[leaver.other]\nlimit = "1h"\n\n{leavers}'}[count]
    (problem,) = problems_of(written(tmp_path, text.replace(leavers, changed)))
    assert problem.code == "P115"


def test_a_missing_section_key_or_pair_is_named_with_its_table(tmp_path):
    text = FILE.read_text()
    for right, wrong, what in (
        ('bind_dn    = "cn=lastday,dc=northwind,dc=example"\n', "", "bind_dn is missing"),
        ('limit = "15m"\n', "", "limit is missing"),
        ('"ledger:role/payroll_rw"]\nwhy', '"ledger:role/payroll_rw", "chat:account"]\nwhy', "both has 3"),
        ('[company]\nname      = "Northwind Robotics"\ntime_zone = "Europe/Berlin"', "", "company is missing"),
        ('token = { env = "TOM_TOKEN" }', 'tokne = { env = "TOM_TOKEN" }', "no key called tokne"),
    ):
        assert right in text
        (problem,) = problems_of(written(tmp_path, text.replace(right, wrong, 1)))
        assert problem.what.startswith(what)


def test_a_misspelt_section_is_one_mistake_not_one_for_each_name_in_it(tmp_path):
    for right, wrong in (("[source.", "[sorce."), ("[app.", "[apps."), ("[leaver.", "[leavers.")):
        problems = problems_of(written(tmp_path, FILE.read_text().replace(right, wrong)))
        assert [p.code for p in problems if p.code != "P115"] == ["P102"]


def test_starttls_makes_ldap_to_another_host_acceptable(tmp_path):
    text = FILE.read_text().replace('ldap://127.0.0.1:1389"', 'ldap://ldap.example"\nstarttls = true')
    configuration = load_configuration(written(tmp_path, text), CONNECTORS)
    assert configuration.applications[ApplicationName("directory")].connection["starttls"] is True


HOSTILE = [
    (b'[company]\nname = "M\xfcller"\n', "P111", ":2:10"),
    (b"a = " + b"[" * 50_000, "P113", ":1:"),
    (b"a = " + b"{a=" * 50_000, "P113", ":1:"),
    (b"a" + b".a" * 50_000 + b" = 1", "P113", ":1:"),
    (b"a = " + b"1" * 10_000, "P113", ":1:5"),
    (b"[company]\nname = \n", "P110", ":2:8"),
    (b"[company]\nname = 'x'\nname = 'y'\n", "P110", ":3:"),
    (b"[company\n", "P110", ":1:9"),
    (b'a = "\x00"', "P110", ":1:"),
    (b'a = """never closed', "P110", ":1:"),
    (b"d = 2026-02-31\n", "P110", ":1:"),
    (b"\xff\xfe[\x00", "P111", ":1:1"),
]


@pytest.mark.parametrize(("content", "code", "where"), HOSTILE, ids=[str(h[0][:20]) for h in HOSTILE])
def test_a_hostile_file_gives_one_clear_error_with_its_place(tmp_path, content, code, where):
    """Bad input: what and where; never a traceback, and the terminal is not written to by the file."""
    file = tmp_path / "lastday.toml"
    file.write_bytes(content)
    (problem,) = problems_of(file)
    assert (problem.code, problem.where is not None and where in problem.where) == (code, True)
    shown = render(problem, content.decode("utf-8", errors="replace"))
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert len(shown) < 1500


def test_a_file_of_other_shapes_gives_errors_not_a_crash(tmp_path):
    """Every section as text, number, list and table of something else."""
    sections = ("company", "source", "user", "app", "role", "sod", "leaver", "leave", "brakes", "test")
    for wrong in ("1", '"x"', "[]", "[1]", "{}", "{a = 1}", "{a = {}}", "[{}]", "[{person = 1}]", "{a = {when = 1}}"):
        problems_of(written(tmp_path, "\n".join(f"{name} = {wrong}" for name in sections)))


@given(
    st.integers(0, len(FILE.read_text()) - 1), st.integers(0, 30), st.sampled_from(["", "1", "{}", "[]", '"x"', "'"])
)
@settings(max_examples=200)
def test_any_cut_in_a_good_file_gives_a_configuration_or_errors_inside_the_file(tmp_path_factory, at, width, instead):
    """No edit, however unlucky, is a crash."""
    text = FILE.read_text()
    file = written(tmp_path_factory.getbasetemp(), text[:at] + instead + text[at + width :])
    try:
        load_configuration(file, CONNECTORS)
    except ConfigurationProblems as error:
        places = [problem.where or "" for problem in error]
    else:
        places = []
    lines = text.count("\n") + 1
    assert all(1 <= int(where.split(":")[-2]) <= lines for where in places)


def test_a_file_that_is_absent_is_named():
    (problem,) = problems_of(Path("/nonexistent/lastday.toml"))
    assert isinstance(problem, ConfigurationError)
    assert (problem.code, problem.where) == ("P112", "/nonexistent/lastday.toml")
