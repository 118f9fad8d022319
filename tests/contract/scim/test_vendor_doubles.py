"""The doubles behave as the profiles say: a client that passes against them keeps to the profile, or is written down.

Nothing of Lastday's client is in these tests: they speak HTTP.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lastday.connectors.scim.vendor_profile import load_vendor, vendors
from lastday.connectors.scim.vendor_terms import DisableVerb, OpCase, PagingMode, PathForm, RemoveForm, Shown
from tests.servers.vendors.double import VendorDouble
from tests.servers.vendors.quirks import ON_SCHEDULE, UNBOUND

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTRA = "urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User"
WITH_GROUPS = [name for name in vendors() if load_vendor(name).groups.exist]


def person(name, **more):
    return {
        "userName": f"{name}@northwind.example",
        "externalId": f"E-{name}",
        "displayName": name.title(),
        "name": {"givenName": name.title(), "familyName": "Person"},
        "active": True,
        "emails": [{"value": f"{name}@northwind.example", "type": "work", "primary": True}],
        "entitlements": [{"value": "00e-standard-user"}],
        **more,
    }


class Client:
    """A plain HTTP client that writes what it is told, right or wrong."""

    def __init__(self, double):
        self.double = double
        self.profile = load_vendor(double.vendor)
        name, _, value = self.profile.auth.header.partition(": ")
        headers = {name: value.replace("{token}", double.token), "Accept": "application/scim+json"}
        self.http = httpx.Client(base_url=double.url, headers=headers)

    def send(self, method, path, body=None, **query):
        return self.http.request(method, path, json=body, params=query)

    def user(self, name):
        return "/Users/" + httpx.URL("http://x/").copy_with(path=f"/{self.uid(name)}").raw_path.decode()[1:]

    def uid(self, name):
        return self.double.ids[f"{name}@northwind.example"]

    def group(self, name):
        return f"/Groups/{self.double.ids[f'group/{name}']}"

    def patch(self, path, *operations):
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def op(self, verb, **more):
        return {"op": verb.capitalize() if self.profile.patch.op_case is OpCase.CAPITAL else verb, **more}

    def add(self, group, *names):
        members = [{"value": self.uid(name)} for name in names]
        return self.patch(self.group(group), self.op("add", path="members", value=members))

    def remove(self, group, name):
        if self.profile.groups.remove_form is RemoveForm.PATH_FILTER:
            return self.patch(self.group(group), self.op("remove", path=f'members[value eq "{self.uid(name)}"]'))
        return self.patch(self.group(group), self.op("remove", path="members", value=[{"value": self.uid(name)}]))

    def disable(self, name):
        """As the profile says."""
        facts, path = self.profile.disable, self.user(name)
        if facts.verb is DisableVerb.DELETE:
            return self.send("DELETE", path)
        if facts.verb is DisableVerb.PUT:
            return self.send("PUT", path, {**self.send("GET", path).json(), "active": False})
        if facts.form is PathForm.NO_PATH:
            return self.patch(path, self.op("replace", value={"active": False}))
        return self.patch(path, self.op("replace", path="active", value=False))


@pytest.fixture
def opened():
    """Doubles of vendors, ended with the test."""
    running = []

    def open_one(vendor, **more):
        seed = {"users": [person("ada"), person("bob"), person("cyd")], "groups": {"vpn": ["ada", "bob"]}, **more}
        seed["groups"] = {
            name: [f"{one}@northwind.example" for one in members] for name, members in seed["groups"].items()
        }
        running.append(Client(VendorDouble(vendor, **seed)))
        return running[-1]

    yield open_one
    for client in running:
        client.http.close()
        client.double.stop()


def limits(client):
    return [request.limit for request in client.double.violations()]


@pytest.mark.parametrize("vendor", vendors())
def test_a_disable_as_the_profile_says_has_the_effect_that_the_profile_says(opened, vendor):
    """S-42: after_disable is the rule by which our read-back judges; the double obeys the same line."""
    client = opened(vendor)
    answer = client.disable("ada")
    assert answer.status_code in (200, 204)
    read = client.send("GET", client.user("ada"))
    match client.profile.read_back.after_disable:
        case Shown.INACTIVE:
            assert read.json()["active"] is False
            assert client.double.users()[client.uid("ada")]["active"] is False
        case Shown.NOT_FOUND:
            assert read.status_code == 404
            assert client.uid("ada") not in client.double.users()
    assert client.double.users()[client.uid("bob")]["active"] is True
    assert limits(client) == []


@pytest.mark.parametrize("vendor", vendors())
def test_a_delete_has_the_effect_that_the_profile_says(opened, vendor):
    """RFC 7644 section 3.6: 404 afterwards, where the vendor deletes; Canva and 1Password answer 405."""
    client = opened(vendor)
    answer = client.send("DELETE", client.user("ada"))
    if not client.profile.delete.exists:
        assert answer.status_code == 405
        assert limits(client) == ["no_delete"]
        return
    assert answer.status_code == 204
    read = client.send("GET", client.user("ada"))
    if client.profile.read_back.after_delete is Shown.INACTIVE:
        assert read.json()["active"] is False
    else:
        assert read.status_code == 404
        assert client.uid("ada") not in (client.double.members("vpn") if client.profile.groups.exist else ())


@pytest.mark.parametrize("vendor", vendors())
def test_a_token_in_another_form_than_the_profile_says_is_refused(opened, vendor):
    """RFC 7644 section 2; PagerDuty wants `Token token=`."""
    client = opened(vendor)
    client.http.headers["Authorization"] = f"Basic {client.double.token}"
    assert client.send("GET", "/Users").status_code == 401


@pytest.mark.parametrize("vendor", WITH_GROUPS)
def test_one_member_comes_and_goes_in_the_form_of_the_profile(opened, vendor):
    """RFC 7644 section 3.5.2: nobody else of the group is touched."""
    client = opened(vendor)
    assert client.add("vpn", "cyd").status_code in (200, 204)
    assert client.double.members("vpn") == {client.uid(name) for name in ("ada", "bob", "cyd")}
    assert client.remove("vpn", "ada").status_code in (200, 204)
    assert client.double.members("vpn") == {client.uid(name) for name in ("bob", "cyd")}
    assert limits(client) == []


@pytest.mark.parametrize("vendor", vendors())
def test_users_are_found_by_what_the_profile_names_and_by_nothing_else(opened, vendor):
    """RFC 7644 section 3.4.2.2: a filter that is not supported is a 400 invalidFilter."""
    client = opened(vendor)
    cursor = {"cursor": ""} if client.profile.paging.mode is PagingMode.CURSOR else {}
    values = {"userName": "ada@northwind.example", "externalId": "E-ada", "id": client.uid("ada")}
    for attribute in set(values) & set(client.profile.filter.users):
        found = client.send("GET", "/Users", filter=f'{attribute} eq "{values[attribute]}"', **cursor).json()
        assert [user["id"] for user in found.get("Resources", found.get("resources"))] == [client.uid("ada")]
    refused = client.send("GET", "/Users", filter='nickName co "ada"', **cursor)
    assert refused.status_code == 400
    assert refused.json()["scimType"] == "invalidFilter"
    assert limits(client) == ["filter"]


@pytest.mark.parametrize("vendor", vendors())
def test_a_listing_is_whole_when_it_is_paged_as_the_profile_says(opened, vendor):
    """RFC 7644 section 3.4.2.4 by index, RFC 9865 by cursor."""
    client = opened(vendor)
    seen, more = [], {"startIndex": "1"} if client.profile.paging.mode is PagingMode.INDEX else {"cursor": ""}
    while more:
        body = client.send("GET", "/Users", count="1", **more).json()
        page = body.get("Resources", body.get("resources"))
        seen += [user["id"] for user in page]
        if client.profile.paging.mode is PagingMode.INDEX:
            more = {"startIndex": str(len(seen) + 1)} if len(seen) < body["totalResults"] else {}
        else:
            more = {"cursor": body["nextCursor"]} if "nextCursor" in body else {}
    assert sorted(seen) == sorted(client.double.users())
    assert limits(client) == []


@pytest.mark.parametrize("vendor", [name for name in vendors() if load_vendor(name).paging.max])
def test_a_page_larger_than_the_vendor_gives_is_refused(opened, vendor):
    """Canva gives 10, AWS 100."""
    client = opened(vendor)
    cursor = {"cursor": ""} if client.profile.paging.mode is PagingMode.CURSOR else {}
    assert client.send("GET", "/Users", count=str(client.profile.paging.max + 1), **cursor).status_code == 400
    assert limits(client) == ["page_size"]


@pytest.mark.parametrize("vendor", [name for name in vendors() if load_vendor(name).create.allowed])
def test_a_user_is_made_only_with_what_the_vendor_requires(opened, vendor):
    """RFC 7644 section 3.3; Salesforce wants an entitlement, AWS names and one mail."""
    client = opened(vendor)
    whole = person("dee", password="not kept", **{ENTRA: {"mailNickname": "dee"}})
    for required in client.profile.create.required:
        cut = {key: value for key, value in whole.items() if key != required.partition(".")[0] and key != ENTRA}
        assert client.send("POST", "/Users", cut).status_code == 400, required
    answer = client.send("POST", "/Users", whole)
    assert answer.status_code == 201
    assert "password" not in client.double.users()[answer.json()["id"]]
    assert client.send("POST", "/Users", whole).status_code == 409
    two = [*whole["emails"], {"value": "dee@home.example"}]
    for _ in client.profile.create.single_valued[:1]:
        assert client.send("POST", "/Users", person("eve", emails=two)).status_code == 400
        assert limits(client) == ["multi_valued"]


def test_identity_center_takes_a_hundred_members_and_shows_none(opened):
    """Its PatchGroup and ListGroups pages: 101 is a 400, no replace, no remove of all, membership by filter."""
    crowd = [f"p{number}" for number in range(101)]
    client = opened("aws_identity_center", users=[person(name) for name in crowd], groups={"vpn": ["p0"]})
    group, gid = client.group("vpn"), client.double.ids["group/vpn"]
    assert client.add("vpn", *crowd).status_code == 400
    assert client.add("vpn", *crowd[:100]).status_code == 204
    assert len(client.double.members("vpn")) == 100
    assert client.patch(group, client.op("replace", path="members", value=[])).status_code == 400
    assert client.patch(group, client.op("remove", path="members")).status_code == 400
    assert client.send("PUT", group, {"displayName": "vpn", "members": []}).status_code == 400
    assert len(client.double.members("vpn")) == 100
    assert client.send("GET", group).json()["members"] == []
    for name, there in (("p99", 1), ("p100", 0)):
        query = client.profile.groups.member_filter.format(group=gid, user=client.uid(name))
        found = client.send("GET", "/Groups", filter=query, cursor="").json()
        assert [one["members"] for one in found["Resources"]] == [[]] * there
    members = [{"value": client.uid(name)} for name in crowd]
    assert client.send("POST", "/Groups", {"displayName": "all", "members": members}).status_code == 400
    assert limits(client) == [
        "too_many_members",
        "replace_members",
        "remove_all",
        "replace_members",
        "too_many_members",
    ]


def test_identity_center_does_not_page_by_index(opened):
    """Its ListUsers page: startIndex and excludedAttributes are not supported; `cursor` comes empty at first."""
    client = opened("aws_identity_center")
    assert client.send("GET", "/Users", startIndex="1").status_code == 400
    assert client.send("GET", "/Groups", excludedAttributes="members").status_code == 400
    assert "nextCursor" not in client.send("GET", "/Users", count="1").json()
    assert "totalResults" not in client.send("GET", "/Users", count="1", cursor="").json()
    assert limits(client) == ["unsupported_parameter"] * 2


def test_identity_center_wants_the_mail_to_be_primary(opened):
    """Its CreateUser page."""
    client = opened("aws_identity_center")
    assert client.send("POST", "/Users", person("dee", emails=[{"value": "d@northwind.example"}])).status_code == 400
    assert limits(client) == ["primary_mail"]


def test_entra_takes_out_one_member_at_a_time(opened):
    """Its reference: at most 20 come, one goes, each in a request of its own; members are never shown."""
    crowd = [f"p{number}" for number in range(21)]
    client = opened("entra", users=[person(name) for name in crowd], groups={"vpn": crowd[:2]})
    two = [client.op("remove", path=f'members[value eq "{client.uid(name)}"]') for name in crowd[:2]]
    assert client.patch(client.group("vpn"), *two).status_code == 400
    assert client.add("vpn", *crowd).status_code == 400
    come = client.op("add", path="members", value=[{"value": client.uid("p5")}])
    assert (
        client.patch(client.group("vpn"), come, client.op("replace", path="displayName", value="x")).status_code == 400
    )
    assert client.double.members("vpn") == {client.uid(name) for name in crowd[:2]}
    assert "members" not in client.send("GET", client.group("vpn")).json()
    assert limits(client) == ["too_many_members", "too_many_members", "mixed_operations"]


def test_pagerduty_deletes_for_good_and_refuses_who_is_on_a_schedule(opened):
    """active=false is 204 and then 404; a 400 while the person is on a schedule, and nothing is done."""
    client = opened("pagerduty", traits={"bob@northwind.example": [ON_SCHEDULE]})
    assert client.disable("ada").status_code == 204
    assert client.send("GET", client.user("ada")).status_code == 404
    assert client.disable("bob").status_code == 400
    assert client.send("DELETE", client.user("bob")).status_code == 400
    assert client.send("GET", client.user("bob")).json()["active"] is True
    assert client.send("GET", "/Groups").status_code == 404


def test_slack_counts_users_and_groups_together(opened):
    """Its limits: 20 changes of users at once, then 3 a second; 429 with Retry-After; all clients share them."""
    client = opened("slack")
    answers = [client.patch(client.user("ada"), client.op("replace", path="title", value=str(n))) for n in range(120)]
    throttled = [answer for answer in answers if answer.status_code == 429]
    assert throttled
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in throttled)
    assert set(limits(client)) == {"rate: update user"}
    assert client.add("vpn", "cyd").status_code == 200
    client.double.use_up("writes", 60)
    assert client.remove("vpn", "cyd").status_code == 429


def test_being_throttled_because_of_others_is_no_fault_and_coming_back_early_is(opened):
    """The budget is the customer's: we cannot see what others used, but we can read Retry-After."""
    client = opened("slack")
    client.double.use_up("reads", 60)
    first = client.send("GET", "/Users")
    assert first.status_code == 429
    assert int(first.headers["Retry-After"]) > 30
    assert limits(client) == []
    time.sleep(0.6)
    assert client.send("GET", "/Users").status_code == 429
    assert limits(client) == ["rate: reads"]


def test_who_waits_as_long_as_was_said_is_let_in(opened):
    """RFC 9110 section 10.2.3."""
    client = opened("slack")
    client.double.use_up("reads")
    while (answer := client.send("GET", "/Users")).status_code == 429:
        time.sleep(int(answer.headers["Retry-After"]))
    assert limits(client) == []


def test_snowflake_counts_what_is_under_way(opened, tmp_path):
    """500 at once per account; here 2, so that a test can reach it."""
    text = (vendor_file("snowflake")).replace("concurrent = 500", "concurrent = 2")
    (tmp_path / "snowflake.toml").write_text(text)
    client = opened("snowflake", latency_ms=300, profile=tmp_path / "snowflake.toml")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: httpx.get(f"{client.double.url}/Users", headers=client.http.headers), range(4))
        )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    assert limits(client) == ["rate: requests at once"] * 2
    assert client.send("GET", "/Users").status_code == 200


def vendor_file(name):
    from lastday.connectors.scim.vendor_profile import FOLDER

    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def test_a_suspended_person_of_github_loses_name_and_mail_until_the_reinstatement(opened):
    """Soft deprovisioning: who looks for the name finds nobody, who kept the id finds the person."""
    client = opened("github_emu")
    client.disable("ada")
    found = client.send("GET", "/Users", filter='userName eq "ada@northwind.example"').json()
    assert found["totalResults"] == 0
    suspended = client.send("GET", client.user("ada")).json()
    assert suspended["userName"].endswith("_NORTHWIND")
    assert "ada" not in str(suspended["emails"])
    assert suspended["externalId"] == "E-ada"
    client.patch(client.user("ada"), client.op("replace", value={"active": True}))
    assert client.send("GET", client.user("ada")).json()["userName"] == "ada@northwind.example"


@pytest.mark.parametrize("vendor", ["github_emu", "github_organisation"])
def test_github_understands_no_filter_in_a_path_of_a_user(opened, vendor):
    """Its reference: such a path has no effect."""
    client = opened(vendor)
    path = 'emails[type eq "work"].value'
    assert client.patch(client.user("ada"), client.op("replace", path=path, value="x@y.example")).status_code == 400
    assert limits(client) == ["value_path"]


def test_who_was_in_figma_before_scim_is_seen_only_after_a_post(opened):
    """The POST binds the account that is there."""
    client = opened("figma", traits={"ada@northwind.example": [UNBOUND]})
    names = [user["userName"] for user in client.send("GET", "/Users").json()["Resources"]]
    assert "ada@northwind.example" not in names
    assert client.send("GET", client.user("ada")).status_code == 404
    assert client.send("POST", "/Users", person("ada")).json()["id"] == client.uid("ada")
    assert client.send("GET", client.user("ada")).status_code == 200


def test_the_inactive_stay_on_figmas_list(opened):
    """A record is kept after the soft deletion."""
    client = opened("figma")
    client.disable("ada")
    listed = {user["userName"]: user["active"] for user in client.send("GET", "/Users").json()["Resources"]}
    assert listed["ada@northwind.example"] is False


def test_miro_refuses_a_body_that_is_too_long_and_takes_booleans_as_text(opened):
    """413 over 8000 members; `"false"` is understood; short changes of a group have the wider limit."""
    client = opened("miro")
    many = [{"value": client.uid("ada")} for _ in range(8001)]
    assert client.patch(client.group("vpn"), client.op("add", path="members", value=many)).status_code == 413
    assert client.patch(client.user("ada"), client.op("replace", path="active", value="False")).status_code == 200
    assert client.double.users()[client.uid("ada")]["active"] is False
    assert client.add("vpn", "ada").status_code == 200
    assert client.double.users()[client.uid("ada")]["active"] is True, "who is put into a team is active again"
    for _ in range(10):
        client.remove("vpn", "bob")
    assert limits(client) == ["too_many_members"]


def test_databricks_breaks_on_text_booleans_and_long_filters(opened):
    """500 with a Java exception; 400 INVALID_FILTER over 200 nodes; a new userName is ignored without a word."""
    client = opened("databricks")
    assert client.patch(client.user("ada"), client.op("replace", path="active", value="False")).status_code == 500
    assert client.double.users()[client.uid("ada")]["active"] is True
    long = " or ".join(f'userName eq "{number}"' for number in range(101))
    assert client.send("GET", "/Users", filter=long).status_code == 400
    assert client.send("GET", "/Users", filter=long.rpartition(" or ")[0]).status_code == 200
    client.patch(client.user("ada"), client.op("replace", path="userName", value="eve@northwind.example"))
    assert client.double.users()[client.uid("ada")]["userName"] == "ada@northwind.example"
    assert limits(client) == ["boolean", "filter_nodes"]


def test_jfrog_wants_replace_with_a_capital_letter(opened):
    """As its reference writes it; the group's id is its name."""
    client = opened("jfrog")
    lower = {"op": "replace", "path": "active", "value": False}
    assert client.patch(client.user("ada"), lower).status_code == 400
    assert client.disable("ada").status_code == 200
    assert client.double.ids["group/vpn"] == "vpn"
    assert limits(client) == ["op_case"]


def test_zoom_wants_its_accept_header_and_gives_ids_that_must_be_escaped(opened):
    """Accept must be application/scim+json; userName alone is searched."""
    client = opened("zoom")
    assert "&" in client.uid("ada")
    assert client.send("GET", client.user("ada")).json()["userName"] == "ada@northwind.example"
    client.http.headers["Accept"] = "text/html"
    assert client.send("GET", "/Users").status_code == 406
    assert limits(client) == ["accept"]


@pytest.mark.parametrize(("vendor", "wrong"), [("notion", "PATCH"), ("figma", "PATCH"), ("notion", "PUT")])
def test_another_verb_for_the_disable_than_the_profile_says_is_refused(opened, vendor, wrong):
    """Notion: DELETE. Figma: PUT."""
    client = opened(vendor)
    if wrong == "PATCH":
        answer = client.patch(client.user("ada"), client.op("replace", path="active", value=False))
    else:
        answer = client.send("PUT", client.user("ada"), person("ada", active=False))
    assert answer.status_code == 400
    assert client.double.users()[client.uid("ada")]["active"] is True
    assert limits(client) == ["disable_verb"]


@pytest.mark.parametrize("vendor", WITH_GROUPS)
def test_a_list_of_members_where_the_path_should_name_them_is_refused(opened, vendor):
    """A server that overlooked the list would empty the group: the double shows who sends it."""
    client = opened(vendor)
    value_list = client.op("remove", path="members", value=[{"value": client.uid("ada")}])
    assert client.patch(client.group("vpn"), value_list).status_code == 400
    assert limits(client) == ["remove_form"]
    assert client.double.members("vpn") == {client.uid("ada"), client.uid("bob")}
