"""Names of new accounts are readable, harmless and in order: issue 2, applications; T-24."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.model.attributes import Attributes
from lastday.model.errors import ConfigurationError
from lastday.policy.names import ascii_fold, expand_candidates, template_attributes

DOTTED = "{name.givenName:ascii}.{name.familyName:ascii}"
AT_CHAT = "{name.givenName:ascii}.{name.familyName:ascii}{n}@northwind.example"


def person(given_name="Ada", family_name="Lovelace", user_name="ada@northwind.example"):
    return Attributes.of({"name.givenName": given_name, "name.familyName": family_name, "userName": user_name})


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("van der Berg", "vanderberg"),
        ("Jean-Luc", "jean-luc"),
        ("O'Malley", "omalley"),
        ("Núñez", "nunez"),
        ("Nu\u0301n\u0303ez", "nunez"),
        ("Müller-Weiß", "muller-weiss"),
        ("Ærø Œuvre", "aerooeuvre"),
        ("Đặng Łukasz", "danglukasz"),
        ("Þórður", "thordur"),
        ("Işık İnce", "isikince"),
        ("Σωκράτης Παπαδόπουλος", "sokratispapadopoulos"),
        ("Юлия Щербакова", "yuliyashcherbakova"),
        ("Ђоковић", "djokovic"),
        ("Андрій", "andriy"),
        ("ﬁsher", "fisher"),
        ("Ｗｉｄｅ", "wide"),
        ("李", ""),
        ("", ""),
        ("--", ""),
        ("-a-", "a"),
        ("a\x00b\u202ec\n", "abc"),
    ],
)
def test_names_fold_to_plain_letters(text, folded):
    assert ascii_fold(text) == folded


@given(st.text(max_size=50))
def test_whatever_is_folded_has_plain_letters_only_and_folds_no_further(text):
    folded = ascii_fold(text)
    assert set(folded) <= set(string.ascii_lowercase + string.digits + "-")
    assert ascii_fold(folded) == folded


def test_candidates_come_in_the_order_of_the_templates_and_each_once():
    found = expand_candidates(["{userName}", DOTTED, DOTTED + "{n}", DOTTED], person())
    assert found[:4] == ("ada@northwind.example", "ada.lovelace", "ada.lovelace2", "ada.lovelace3")
    assert (len(found), found[-1]) == (21, "ada.lovelace20")


@pytest.mark.parametrize("missing", ["name.givenName", "name.familyName"])
def test_a_template_with_an_absent_attribute_gives_no_candidate(missing):
    assert expand_candidates([DOTTED, "{userName}"], person().without(missing)) == ("ada@northwind.example",)


def test_a_template_with_nothing_left_gives_no_candidate():
    assert expand_candidates([DOTTED, AT_CHAT], person(given_name="李")) == ()
    assert expand_candidates(["{userName}", "{n}"], Attributes.of({"userName": "();"}))[0] == "2"


HOSTILE = [
    "*)(uid=*))(|(uid=*",
    "Robert'); DROP TABLE students;--",
    "a\x00\r\n\tb",
    "\u202eevil\u200b",
    "../../etc/passwd",
    "a,ou=admins+cn=x\\2c",
    '"><script>',
    "x" * 10_000,
    "{n}{userName}",
    "-rf",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_become_harmless_names(hostile):
    """T-24; hr/README.md, hostile-names."""
    found = expand_candidates(["{userName}", DOTTED, AT_CHAT], person(hostile, hostile, hostile))
    assert found
    for name in found:
        assert re.fullmatch(r"\w[\w@.+-]{0,63}", name), name


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_any_name_gives_short_harmless_candidates(given_name, family_name, user_name):
    attributes = person(given_name, family_name, user_name)
    for name in expand_candidates(["{userName}", DOTTED, DOTTED + "{n}", AT_CHAT], attributes):
        assert 0 < len(name) <= 64
        assert not set(name) & set("\\/*()'\"<>;,=|&\x00\n\r\t {}")
        assert name[0] not in "-."


def test_long_names_are_cut_and_keep_domain_and_number():
    found = expand_candidates([AT_CHAT], person("a" * 100, "b" * 100))
    assert {len(name) for name in found} == {64}
    assert found[0].endswith("b2@northwind.example")
    assert found[-1].endswith("b20@northwind.example")


def test_a_name_that_stands_as_it_is_is_never_cut():
    """A mail address without its end is the address of somebody else."""
    assert expand_candidates(["{userName}"], person(user_name="a" * 60 + "@x.example")) == ()


@pytest.mark.parametrize("template", ["{", "a}", "{a:upper}", "{}", "{a b}", "{{n}}"])
def test_a_template_that_cannot_be_read_is_refused(template):
    with pytest.raises(ConfigurationError):
        expand_candidates([template], person())


def test_a_template_tells_what_it_needs():
    assert template_attributes(AT_CHAT) == ("name.givenName", "name.familyName")
