"""Every code that the program can show stands in docs/codes.md, once, with one meaning."""

import re
from collections import Counter, defaultdict

from tests.house.sources import ROOT, sources, texts

PAGE = ROOT / "docs" / "codes.md"
CODE = re.compile(r"[A-Z]\d{3}")
ROW = re.compile(r"^\| ([A-Z]\d{3}) \| (.+) \| (.+) \|$", re.MULTILINE)

SAME_MEANING = {
    "A105": "the error of a connector, and the finding that it becomes",
    "A202": "told when correlating and when looking for orphans",
    "A205": "the finding, and how findings are told apart on the screen",
    "A310": "the planner's finding, and the gateway that says it again at the last moment",
    "B110": "the class of the error, and its use with the brake's code",
    "D104": "whatever waits for a second signature, and is not there",
    "D105": "whatever needs two people",
    "D106": "whatever is signed once",
    "E116": "an entry asked for by its id: for its number, for a bundle",
    "I102": "the same person looked for in several commands",
    "I104": "the same case looked for in several commands",
    "I111": "people named wrongly on the command line, or nobody by what was named",
    "P100": "one mistake, and all of them together",
    "P101": "the filter's own error, and the same with a place in the file",
    "P102": "an unknown key, and how it is shown",
    "P103": "an attribute of a condition, an attribute of a policy test",
    "P104": "a secret in a key, a secret in an address, and the excerpt that hides it",
    "P106": "a key, a match line, a test's expectation",
    "P107": "written wrongly, whatever it is",
    "P110": "the scanner's refusal, and tomllib's",
    "P117": "named twice, whatever it is",
    "T103": "no programs for the data, or data that does not say which",
    "X120": "the class of the error, and the finding that it becomes",
}
"""Codes that more than one module writes, and why that is one meaning."""

TWO_MEANINGS = {
    "A110": "2026-11-24: refused address (connectors/sdk/http.py) and refused change (execution/machine.py)",
    "B111": "2026-11-24: removals of an application (model/batch.py) and waiting for approval (execution/gateway.py)",
    "E117": "2026-11-24: tree differs (evidence/sequencer.py) and no checkpoint covers (evidence/bundle.py)",
    "E120": "2026-11-24: spool is full (evidence/spool.py) and plan was changed (store/plans.py)",
    "E121": "2026-11-24: spoilt spool file (evidence/spool.py) and a case without its person (reports/case_file.py)",
    "T102": "2026-11-24: a place cannot be used (store/) and revisions are missing (app.py)",
}
"""Known faults: one code, two meanings. The page says both until one gets a code of its own; none may be added."""


def _raised() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for source in sources():
        for text, _ in texts(source):
            if CODE.fullmatch(text):
                found[text].add(source.name)
    return found


def test_every_code_has_one_line_in_the_page():
    """Somebody who meets a code finds what it means and what to do."""
    lines = Counter(code for code, _, _ in ROW.findall(PAGE.read_text()))
    assert sorted(set(_raised()) - set(lines)) == [], "add a line to docs/codes.md"
    assert [code for code, times in lines.items() if times > 1] == []


def test_the_page_names_no_code_that_nothing_shows():
    """A page about what is not there is worse than none."""
    assert sorted({code for code, _, _ in ROW.findall(PAGE.read_text())} - set(_raised())) == []


def test_a_code_means_one_thing():
    """A code that two modules write says why it is one meaning, or is listed as a fault to be mended."""
    several = {code for code, modules in _raised().items() if len(modules) > 1}
    assert sorted(several - set(SAME_MEANING) - set(TWO_MEANINGS)) == []


def test_faults_that_were_mended_leave_the_list():
    """Nothing stays excused for longer than it is wrong."""
    several = {code for code, modules in _raised().items() if len(modules) > 1}
    assert sorted(set(TWO_MEANINGS) - several) == []


def test_each_letter_has_its_section_in_order():
    """The page is read by eye: sections by letter, codes ascending."""
    codes = [code for code, _, _ in ROW.findall(PAGE.read_text())]
    assert codes == sorted(codes)
    assert {f"## {code[0]}:" for code in codes} <= {line[:5] for line in PAGE.read_text().splitlines()}
