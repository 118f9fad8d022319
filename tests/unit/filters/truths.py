"""Filters with what they are true of: RFC 7644 figure 2 and table 3. The same for the predicate and for SQL."""

from datetime import UTC, datetime

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

JENSEN = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "userName": "BJensen",
    "name": {"familyName": "O'Malley-Jensen", "givenName": "Barbara"},
    "title": "Tour Guide",
    "userType": "Employee",
    "emails": [{"value": "b@example.com", "type": "work", "primary": True}, {"value": "b@home.test", "type": "home"}],
    "meta": {"lastModified": "2011-05-13T04:42:34Z"},
    "active": True,
    "logins": 3,
    ENTERPRISE: {"department": "Tours"},
}
JIM = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "jim",
    "userType": "Intern",
    "emails": [{"value": "jim@example.org", "type": "home"}],
    "ims": [{"value": "jim@foo.com", "type": "xmpp"}],
    "meta": {"lastModified": datetime(2020, 1, 1, tzinfo=UTC)},
}
EMPTY: dict[str, object] = {"title": "", "emails": [], "name": {"familyName": None}}
ANN = {
    "userName": "ann",
    "userType": "Contractor",
    "emails": [{"value": "ann@elsewhere.test"}],
    "meta": {"lastModified": "2011-05-13T06:42:33.999+02:00"},
}
PEOPLE = (JENSEN, JIM, EMPTY, ANN)

FIGURE_2 = [
    ('userName eq "bjensen"', True, False, False, False),
    ('name.familyName co "O\'Malley"', True, False, False, False),
    ('userName sw "J"', False, True, False, False),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', False, True, False, False),
    ("title pr", True, False, False, False),
    ('meta.lastModified gt "2011-05-13T04:42:34Z"', False, True, False, False),
    ('meta.lastModified ge "2011-05-13T04:42:34Z"', True, True, False, False),
    ('meta.lastModified lt "2011-05-13T04:42:34Z"', False, False, False, True),
    ('meta.lastModified le "2011-05-13T04:42:34Z"', True, False, False, True),
    ('title pr and userType eq "Employee"', True, False, False, False),
    ('title pr or userType eq "Intern"', True, True, False, False),
    (f'schemas eq "{ENTERPRISE}"', True, False, False, False),
    (
        'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
        True,
        False,
        False,
        False,
    ),
    (
        'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
        False,
        False,
        False,
        True,
    ),
    ('userType eq "Employee" and (emails.type eq "work")', True, False, False, False),
    ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', True, False, False, False),
    (
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
        True,
        True,
        False,
        False,
    ),
]
"""RFC 7644 figure 2: the filter, and whether it is true of each of `PEOPLE`."""

OF_JENSEN = [
    # any value of several suffices, and brackets ask one value for everything
    ('emails.type eq "work" and emails.value co "home.test"', True),
    ('emails[type eq "work" and value co "home.test"]', False),
    ('emails[not (type eq "work")]', True),
    ('emails.type ne "work"', True),
    ('not (emails.type eq "work")', False),
    ('schemas[value eq "' + ENTERPRISE + '"]', True),
    ("emails[primary eq true]", True),
    # names and strings without case
    ('USERNAME EQ "BJENSEN"', True),
    ('NAME.GIVENNAME ew "RA"', True),
    # schemas
    (f'{ENTERPRISE}:department eq "tours"', True),
    ('department eq "tours"', False),
    # types that do not compare are false, whichever way it is asked
    ('logins eq "3"', False),
    ('logins ne "3"', False),
    ("userName eq 3", False),
    ("active eq 1", False),
    ("logins eq true", False),
    ('active co "t"', False),
    ("logins gt 2.5 and logins le 3 and logins eq 3.0", True),
    ("active eq true and active ne false", True),
    # order of text is without case
    ('userName gt "BA"', True),
    ('userName lt "ba"', False),
    # absence
    ("nickName eq null", True),
    ("nickName ne null", False),
    ("title ne null", True),
    ('nickName ne "x"', False),
    ('not (nickName eq "x")', True),
    ('not (nickName ne "x")', True),
    ("name pr", True),
    ("nickName pr", False),
    ("name.middleName pr", False),
    ("nothing.inside pr or nothing[inside pr]", False),
    ('userName.value eq "bjensen"', False),
]
"""A filter, and whether it is true of `JENSEN`."""

TABLE_3 = [
    # equal: identical for a match, here without case
    ('a eq "Abc"', "abc", True),
    ('a eq "ab"', "abc", False),
    ("a eq 5", 5, True),
    ("a eq 5.0", 5, True),
    ("a eq 5", 5.5, False),
    ("a eq true", True, True),
    ("a eq true", False, False),
    ('a eq "2026-11-20T12:00:00Z"', "2026-11-20T13:00:00+01:00", True),
    # not equal
    ('a ne "abc"', "abc", False),
    ('a ne "abd"', "abc", True),
    ("a ne 5", 6, True),
    ("a ne 5", 5, False),
    ("a ne true", False, True),
    ("a ne true", True, False),
    ('a ne "2026-11-20T12:00:00Z"', "2026-11-20T13:00:00+01:00", False),
    ('a ne "2026-11-20T12:00:00Z"', "soon", True),
    # contains, starts with, ends with
    ('a co "bc"', "ABCD", True),
    ('a co "bd"', "abcd", False),
    ('a co "2026"', "2026-11-20T12:00:00Z", True),
    ('a sw "AB"', "abcd", True),
    ('a sw "bc"', "abcd", False),
    ('a ew "CD"', "abcd", True),
    ('a ew "bc"', "abcd", False),
    ('a co "%" or a sw "_" or a ew ".*"', "abcd", False),
    # present
    ("a pr", "x", True),
    ("a pr", "", False),
    ("a pr", [], False),
    ("a pr", None, False),
    ("a pr", {"b": None}, False),
    ("a pr", {"b": "x"}, True),
    ("a pr", False, True),
    ("a pr", 0, True),
    # greater than and less than: text in its order, numbers and moments in theirs
    ('a gt "abc"', "ABD", True),
    ('a gt "abc"', "abc", False),
    ('a ge "abc"', "abc", True),
    ('a ge "abc"', "abb", False),
    ('a lt "abc"', "abb", True),
    ('a lt "abc"', "abc", False),
    ('a le "abc"', "ABC", True),
    ('a le "abc"', "abd", False),
    ("a gt 9", 10, True),
    ("a gt 10", 10, False),
    ("a ge 10", 10, True),
    ("a ge 10.5", 10, False),
    ("a lt 10", 9, True),
    ("a lt 10", 10, False),
    ("a le 10", 10, True),
    ("a le 9.5", 10, False),
    ('a gt "9"', "10", False),
    ("a gt 9", "10", False),
    ('a gt "2026-11-20T12:00:00Z"', "2026-11-20T12:00:00.001Z", True),
    ('a lt "2026-11-20T12:00:00Z"', "2026-11-20T12:30:00+01:00", True),
    ('a ge "2026-11-20T12:00:00Z"', datetime(2026, 11, 20, 12, tzinfo=UTC), True),
    ('a le "2026-11-20T12:00:00Z"', datetime(2026, 11, 20, 13, tzinfo=UTC), False),
    # numbers as exactly as they are
    ("a eq 1e23", 1e23, True),
    ("a eq 100000000000000000000000", 1e23, False),
    ("a gt 100000000000000000000000", 1e23, False),
    ("a eq 9007199254740993", 9007199254740992.0, False),
    ("a eq 0", -0.0, True),
    ("a eq 0.1", 0.1, True),
    # U+0000 is in no text that can be stored, and has its place in the order all the same
    (r'a eq "ab\u0000"', "ab", False),
    (r'a ne "ab\u0000"', "ab", True),
    (r'a ne "ab\u0000"', 5, False),
    (r'a co "b\u0000"', "ab", False),
    (r'a lt "ab\u0000c"', "ab", True),
    (r'a le "ab\u0000c"', "ab", True),
    (r'a le "ab\u0000c"', "ab\x01", False),
    (r'a gt "ab\u0000c"', "ab", False),
    (r'a ge "ab\u0000c"', "ab\x01", True),
]
"""RFC 7644 table 3: a filter, the value of `a`, and whether it is true."""

EXACTLY = [
    ('code eq "Ada"', {"code": "Ada"}, True),
    ('code eq "ada"', {"code": "Ada"}, False),
    ('code eq "ada"', {"code": ["Ada", "ADA", "ada"]}, True),
    ('code ne "ada"', {"code": "Ada"}, True),
    ('not (code eq "ada")', {"code": "Ada"}, True),
    ('code sw "a"', {"code": "Ada"}, False),
    ('code ew "Da" or code co "D"', {"code": "Ada"}, False),
    ('code gt "Z"', {"code": "ada"}, True),
    ('code gt "a"', {"code": "Z"}, False),
    ('code eq "2026-11-20T12:00:00Z"', {"code": "2026-11-20t12:00:00z"}, True),
    ('CODE[value eq "ada"]', {"code": ["Ada"]}, True),
    ('emails[value eq "ada"]', {"emails": [{"value": "Ada"}]}, False),
    ('emails[type eq "WORK" and value eq "Ada"]', {"emails": [{"value": "Ada", "type": "work"}]}, True),
    ('emails.value eq "ada"', {"emails": [{"value": "Ada"}]}, False),
    ('emails eq "ada"', {"emails": [{"value": "Ada"}]}, True),
    ('urn:x:y:code eq "ada"', {"code": "Ada"}, False),
    ('id eq "ada"', {"id": "Ada"}, False),
    ('id eq "Ada"', {"id": "Ada"}, True),
    ('userName eq "ada"', {"userName": "Ada"}, True),
]
"""A filter, a resource and whether it is true where `CASE_EXACT` are the paths that compare with case."""
WITH_SCHEMA = [
    (f'{ENTERPRISE}:title eq "x"', {"title": "x"}, True),
    (f'{ENTERPRISE}:title eq "x"', {"title": "x", ENTERPRISE: {}}, False),
    (f'{ENTERPRISE}:title eq "x"', {"title": "y", ENTERPRISE: {"Title": "X"}}, True),
    (f'{ENTERPRISE.upper()}:title co "x"', {"title": "y", ENTERPRISE: {"Title": "X"}}, True),
    (f'{ENTERPRISE}:title co "x"', {"title": "x", ENTERPRISE: {}}, False),
    (f"{ENTERPRISE}:title pr", {"title": "x", ENTERPRISE: {}}, False),
    (f"{ENTERPRISE}:title pr", {"title": "x", ENTERPRISE: "y"}, True),
    ('title eq "x"', {ENTERPRISE: {"title": "x"}}, False),
    (f'{ENTERPRISE}:userName eq "x"', {"userName": "x", ENTERPRISE: {}}, False),
    (f'{ENTERPRISE}:userName eq "x"', {"userName": "x"}, True),
    (f'{ENTERPRISE}:manager[value eq "x"]', {ENTERPRISE: {"manager": {"value": "x"}}}, True),
    (f'{ENTERPRISE}:manager.value eq "x"', {ENTERPRISE: {"manager": "x"}}, False),
]
"""A filter whose path has a schema, a resource and whether it is true (RFC 7644 section 3.10)."""
CASE_EXACT = frozenset({"ID", "code", "emails.value"})

PRECEDENCE = [
    ("x pr or y pr and z pr", "{x} or ({y} and {z})"),
    ("x pr and y pr or z pr", "({x} and {y}) or {z}"),
    ("(x pr or y pr) and z pr", "({x} or {y}) and {z}"),
    ("not (x pr) and y pr", "(not {x}) and {y}"),
    ("not (x pr) or y pr", "(not {x}) or {y}"),
    ("not (x pr and y pr) or z pr", "(not ({x} and {y})) or {z}"),
    ("x pr and not (y pr or z pr)", "{x} and (not ({y} or {z}))"),
    ("x pr or not (y pr) and z pr", "{x} or ((not {y}) and {z})"),
    ("not (x pr) and not (y pr) or not (not (z pr))", "((not {x}) and (not {y})) or {z}"),
]
"""RFC 7644 section 3.4.2.2: a filter, and the same with every parenthesis, for Python."""
