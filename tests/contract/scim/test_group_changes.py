"""One member in or out, and everybody else untouched, whatever form the application knows (RFC 7644 section 3.5.2)."""

import pytest

from lastday.connectors.scim.dialect import GroupDialect
from lastday.connectors.scim.vendor_terms import RemoveForm
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.http_faults import Reply, as_json, listing
from tests.servers.scim_answers import Stored, paged, refused, routes_of, user

ADA = NativeId("u1")
GROUP = {"id": "g1", "displayName": "vpn", "members": [{"value": "u1"}, {"value": "u2", "type": "User"}, "u3"]}


def with_group(store, more=()):
    listed = {("GET", "/Groups"): lambda asked: paged([store.resource])(asked), ("GET", "/Users/u1"): as_json(user())}
    return {**routes_of(store, "/Groups/g1"), **listed, **dict(more)}


async def test_a_group_put_back_has_all_others_as_they_were(connected):
    store = Stored(GROUP)
    _, scim = await connected(with_group(store), groups=True, put_only=True)
    assert (await scim.revoke_holding(ADA, "group/vpn")).kind is OutcomeKind.DONE
    assert store.resource["members"] == [{"value": "u2", "type": "User"}, "u3"]
    assert (await scim.give_holding(ADA, "group/vpn")).kind is OutcomeKind.DONE
    assert store.resource["members"] == [{"value": "u2", "type": "User"}, "u3", {"value": "u1"}]
    assert (await scim.give_holding(ADA, "group/vpn")).kind is OutcomeKind.ALREADY_DONE


@pytest.mark.parametrize("rules", [{"members_readable": False}, {"replace_allowed": False}])
async def test_a_group_is_never_put_where_members_are_hidden_or_replacing_them_is_forbidden(connected, rules):
    """AWS shows an empty list: put back, it would empty the group."""
    store = Stored({**GROUP, "members": []})
    server, scim = await connected(with_group(store), group_rules=GroupDialect(**rules), put_only=True)
    for change in (scim.revoke_holding, scim.give_holding):
        with pytest.raises(NotSupported):
            await change(ADA, "group/vpn")
    assert [asked for asked in server.asked if asked.method != "GET"] == []


class ListRemoval:
    """A group whose PATCH removes by list, as the server understands that."""

    def __init__(self, members, removes):
        self.members, self.removes = list(members), removes
        self.added: list[int] = []

    @property
    def resource(self):
        return {"id": "g1", "displayName": "vpn", "members": [{"value": member} for member in self.members]}

    def get(self, _asked):
        return as_json(self.resource)

    put = get

    def patch(self, asked):
        (operation,) = asked.json()["Operations"]
        values = [entry["value"] for entry in operation["value"]]
        if operation["op"] == "remove":
            self.members = self.removes(self.members, values)
        else:
            self.added.append(len(values))
            self.members += values
        return Reply(status=204)


BY_LIST = GroupDialect(remove_form=RemoveForm.VALUE_LIST, max_members_per_patch=2)


async def taken_out(connected, group):
    routes = with_group(group, {("PATCH", "/Groups/g1"): group.patch})
    server, scim = await connected(routes, group_rules=BY_LIST)
    return server, await scim.revoke_holding(ADA, "group/vpn")


async def test_a_removal_by_list_is_done_where_the_others_are_still_there(connected):
    group = ListRemoval(["u1", "u2", "u3"], lambda have, gone: [m for m in have if m not in gone])
    server, outcome = await taken_out(connected, group)
    assert outcome.kind is OutcomeKind.DONE
    assert group.members == ["u2", "u3"]
    (sent,) = [asked.json()["Operations"] for asked in server.asked if asked.method == "PATCH"]
    assert sent == [{"op": "remove", "path": "members", "value": [{"value": "u1"}]}]


async def test_who_was_lost_to_a_server_that_overlooks_the_list_is_put_back(connected):
    """Field notes 4a: it empties the group, an outage. In pieces of the size that the application takes."""
    group = ListRemoval(["u1", "u2", "u3", "u4", "u5", "u6"], lambda have, gone: [])
    _, outcome = await taken_out(connected, group)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "5 others were put back, 0 are missing" in outcome.detail
    assert group.members == ["u2", "u3", "u4", "u5", "u6"]
    assert group.added == [2, 2, 1]
    assert outcome.pre_image.get("members") == ("u1", "u2", "u3", "u4", "u5", "u6")


async def test_who_may_have_been_taken_out_by_somebody_else_is_not_put_back(connected):
    """To put back what an administrator just took would give access to somebody who should not have it."""
    group = ListRemoval(["u1", "u2", "u3"], lambda have, gone: [m for m in have if m not in (*gone, "u3")])
    _, outcome = await taken_out(connected, group)
    assert outcome.kind is OutcomeKind.REFUSED
    assert group.members == ["u2"]


async def test_a_removal_by_list_that_nobody_could_check_is_unknown(connected):
    """The read after it fails: the members from before stand in the outcome."""
    group = ListRemoval(["u1", "u2"], lambda have, gone: [m for m in have if m not in gone])
    reads = []

    def broken_later(asked):
        reads.append(asked)
        return group.get(asked) if "u1" in group.members else refused(500)

    routes = with_group(group, {("PATCH", "/Groups/g1"): group.patch, ("GET", "/Groups/g1"): broken_later})
    _, scim = await connected(routes, group_rules=BY_LIST)
    outcome = await scim.revoke_holding(ADA, "group/vpn")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert outcome.pre_image.get("members") == ("u1", "u2")


async def test_a_removal_by_list_is_not_sent_where_members_are_hidden(connected):
    group = ListRemoval([], lambda have, gone: have)
    routes = with_group(group, {("PATCH", "/Groups/g1"): group.patch})
    rules = GroupDialect(remove_form=RemoveForm.VALUE_LIST, members_readable=False)
    server, scim = await connected(routes, group_rules=rules)
    with pytest.raises(NotSupported):
        await scim.revoke_holding(ADA, "group/vpn")
    assert [asked for asked in server.asked if asked.method == "PATCH"] == []


# Members that go by another name


async def test_a_member_that_is_called_by_name_is_known_by_its_address(connected):
    """RFC 7643 section 4.2: `$ref` is the address of the member. A search by id that finds nobody proves nothing."""
    located = user(meta={"location": "https://x.example/v2/Users/ada"})
    entry = {"value": "ada", "$ref": "https://x.example/v2/Users/ada"}
    group: dict[str, object] = {"id": "g1", "displayName": "vpn", "members": [{**entry}]}

    def groups(asked):
        wanted = asked.query("filter")
        return listing([group] if wanted is None or '"ada"' in wanted else [])

    routes = {
        ("GET", "/Users/u1"): as_json(located),
        ("GET", "/Users/ada"): as_json(located),
        ("GET", "/Groups"): groups,
    }
    _, scim = await connected({**routes, ("GET", "/Users"): paged([located])}, groups=True)
    assert (await scim.read_account(ADA)).holds("group/vpn")
    (listed,) = (await scim.list_accounts(None)).items
    assert listed.holds("group/vpn")


# Members that cannot be read


HIDDEN = GroupDialect(
    members_readable=False,
    member_filter='id eq "{group}" and members eq "{user}"',
    searchable=frozenset({"id", "members"}),
    replace_allowed=False,
)
IN = {("g1", "u1"), ("g2", "u0"), ("g2", "u1")}


def hiding(answer_pairs):
    """Three groups without members; a search says who is in one."""
    names = [(f"g{number}", f"n{number}") for number in range(3)]
    groups: list[dict[str, object]] = [{"id": gid, "displayName": name, "members": []} for gid, name in names]

    def reply(asked):
        wanted = asked.query("filter")
        if wanted is None:
            return paged(groups)(asked)
        _, group, _, member, _ = wanted.split('"')
        return answer_pairs(groups, group, member)

    return reply


def honest(groups, group, member):
    return listing([one for one in groups if one["id"] == group and (group, member) in IN])


async def test_where_groups_hide_their_members_each_is_asked_for_each_user(connected):
    """AWS: an empty list of members is no answer. The profile's filter is."""
    users = [user(f"u{number}") for number in range(3)]
    routes = {
        ("GET", "/Users"): paged(users),
        ("GET", "/Users/u1"): as_json(users[1]),
        ("GET", "/Groups"): hiding(honest),
    }
    _, scim = await connected(routes, group_rules=HIDDEN)
    page = await scim.list_accounts(None)
    assert [[h.entitlement for h in account.holdings] for account in page.items] == [
        ["group/n2"],
        ["group/n1", "group/n2"],
    ]
    read = await scim.read_account(ADA)
    assert [h.entitlement for h in read.holdings] == ["group/n1", "group/n2"]


async def test_a_search_for_a_member_that_finds_another_group_is_not_believed(connected):
    routes = {
        ("GET", "/Users/u1"): as_json(user()),
        ("GET", "/Groups"): hiding(lambda groups, group, member: listing(groups)),
    }
    _, scim = await connected(routes, group_rules=HIDDEN)
    with pytest.raises(AnswerUnusable):
        await scim.read_account(ADA)


async def test_where_members_are_hidden_and_not_to_be_found_nothing_is_concluded(connected):
    """Without a filter "holds nothing" would be a guess."""
    routes = {("GET", "/Users/u1"): as_json(user()), ("GET", "/Groups"): hiding(honest)}
    _, scim = await connected(routes, group_rules=GroupDialect(members_readable=False))
    with pytest.raises(NotSupported):
        await scim.read_account(ADA)
