"""What the LDAP connector does to people, shown by ldapsearch, ldapwhoami and slapd's own log of writes."""

import pytest

from lastday.connectors.ldap import open_connector
from lastday.connectors.ldap.sign_in import PERMANENT_LOCK, UNUSABLE
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import NotSupported, PermissionMissing
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.contract.ldap.conftest import SEED, directory_settings, id_in, opened
from tests.servers.connector_ports import MemoryEscrow, TestPorts
from tests.servers.slapd import GROUPS, LASTDAY_DN, PEOPLE, Slapd, group, ldif_entry, person

pytestmark = pytest.mark.real("slapd")
ADA = f"uid=ada,{PEOPLE}"


def our_writes(slapd):
    return slapd.writes(by=LASTDAY_DN)


def draft(username, number, **more):
    return AccountDraft(
        username=username,
        attributes=Attributes.of({"employeeNumber": number, "displayName": "New Person", **more}),
        key=f"key-{number}",
    )


async def test_the_connector_opens_by_its_settings_and_names_its_own_account(slapd, kept):
    """S-23; design section 7: Lastday's own account is known, so that it can be protected."""
    connector = await open_connector(directory_settings(slapd.port), kept.ports)
    found = await connector.check_connection()
    assert found.principal.lower() == LASTDAY_DN
    assert found.warnings == ()
    await connector.close()


async def test_our_own_account_among_the_people_is_named_as_the_listing_names_it(slapd, kept):
    slapd.add(person("robot", "R1", password="robot-secret"))
    settings = {"bind_dn": f"UID=Robot,{PEOPLE}", "password": "robot-secret"}
    async with opened(slapd.port, kept, **settings) as connector:
        principal = (await connector.check_connection()).principal
        assert principal in {account.username for account in (await connector.list_accounts(None)).items}
        assert (await connector.disable_account(id_in(slapd, "robot"))).kind is OutcomeKind.REFUSED


async def test_an_account_is_read_with_its_id_attributes_and_holdings(connector, id_of):
    """Design section 2: native id is the immutable entryUUID (RFC 4530), not the name."""
    account = await connector.read_account(id_of("ada"))
    assert account.username == "ada"
    assert account.enabled
    assert account.attributes.text("employeeNumber") == "E1"
    assert "userPassword" not in account.attributes
    assert sorted(h.entitlement for h in account.holdings) == ["group/staff", "group/unique", "group/unix", "group/vpn"]
    assert account.created_at is not None


async def test_an_account_is_found_by_attribute_and_an_unknown_id_is_none(connector, id_of):
    found = await connector.find_accounts("employeeNumber", "E2")
    assert [account.username for account in found] == ["bob"]
    assert await connector.find_accounts("employeeNumber", "E404") == ()
    assert await connector.read_account(NativeId("00000000-0000-0000-0000-000000000000")) is None


async def test_a_search_by_an_attribute_the_schema_lacks_is_an_error_not_an_empty_answer(connector):
    """Design section 1 rule 3: unknown is not empty; slapd itself answers success with no entry."""
    with pytest.raises(NotSupported):
        await connector.find_accounts("employeNumber", "E1")


async def test_disable_twice_cuts_the_sign_in_and_writes_once(slapd, connector, kept, id_of):
    """S-02: a bind that worked is refused; the second disable changes nothing."""
    assert slapd.can_bind(ADA, "ada-secret")
    first = await connector.disable_account(id_of("ada"))
    assert first.kind is OutcomeKind.DONE
    assert first.detail == "unusable password and lock"
    assert not slapd.can_bind(ADA, "ada-secret")
    entry = slapd.one("(uid=ada)")
    assert entry["userPassword"] == [UNUSABLE.decode()]
    assert entry["pwdAccountLockedTime"] == [PERMANENT_LOCK.decode()]
    second = await connector.disable_account(id_of("ada"))
    assert second.kind is OutcomeKind.ALREADY_DONE
    assert len(our_writes(slapd)) == 1
    account = await connector.read_account(id_of("ada"))
    assert not account.enabled
    assert len(account.holdings) == 4
    assert await connector.sign_in_refused(id_of("ada")) is True
    assert await connector.sign_in_refused(id_of("bob")) is None


async def test_the_marker_is_no_password_on_any_reading_of_it(slapd, connector, id_of):
    """Nobody can bind with what stands in the entry."""
    await connector.disable_account(id_of("ada"))
    for guess in (UNUSABLE.decode(), "LASTDAY-DISABLED", "lastday-probe-never-a-password"):
        assert not slapd.can_bind(ADA, guess)


async def test_enable_puts_the_old_password_back(slapd, connector, kept, id_of):
    """S-02: reversible, with the entitlements kept; nothing stays in escrow."""
    before = slapd.one("(uid=ada)", "*")
    await connector.disable_account(id_of("ada"))
    assert (await connector.enable_account(id_of("ada"))).kind is OutcomeKind.DONE
    assert slapd.can_bind(ADA, "ada-secret")
    assert slapd.one("(uid=ada)", "*").attributes == before.attributes
    assert kept.escrow.kept == {}
    assert (await connector.enable_account(id_of("ada"))).kind is OutcomeKind.ALREADY_DONE
    assert len(our_writes(slapd)) == 2


async def test_without_a_policy_no_lock_is_written_and_the_sign_in_is_still_cut(kept):
    """field-notes: slapd accepts pwdAccountLockedTime and lets people in where no policy applies."""
    with Slapd(SEED, default_policy=False) as slapd:
        async with opened(slapd.port, kept) as connector:
            ada = id_in(slapd, "ada")
            slapd.modify(f"dn: {ADA}\nchangetype: modify\nadd: pwdAccountLockedTime\n"
                         "pwdAccountLockedTime: 000001010000Z\n\n")  # fmt: skip
            assert slapd.can_bind(ADA, "ada-secret")
            assert (await connector.read_account(ada)).enabled
            outcome = await connector.disable_account(ada)
            assert outcome.detail == "unusable password"
            assert not slapd.can_bind(ADA, "ada-secret")
            assert not (await connector.read_account(ada)).enabled
            assert (await connector.enable_account(ada)).kind is OutcomeKind.DONE
            assert slapd.can_bind(ADA, "ada-secret")


async def test_without_the_ppolicy_overlay_disable_and_enable_work_too(kept):
    with Slapd(SEED, ppolicy=False) as slapd:
        async with opened(slapd.port, kept) as connector:
            ada = id_in(slapd, "ada")
            assert (await connector.disable_account(ada)).detail == "unusable password"
            assert slapd.one("(uid=ada)")["pwdAccountLockedTime"] == []
            assert not slapd.can_bind(ADA, "ada-secret")
            assert await connector.sign_in_refused(ada) is True
            await connector.enable_account(ada)
            assert slapd.can_bind(ADA, "ada-secret")


async def test_rules_on_quality_and_history_of_passwords_do_not_get_in_the_way(slapd, connector, id_of):
    """slapo-ppolicy(5): who has `manage` on userPassword may write a ready hash, an old one too."""
    slapd.modify("dn: cn=default,ou=policies,dc=northwind,dc=example\nchangetype: modify\nadd: pwdInHistory\n"
                 "pwdInHistory: 5\n-\nadd: pwdCheckQuality\npwdCheckQuality: 2\n-\nadd: pwdMinLength\n"
                 "pwdMinLength: 30\n\n")  # fmt: skip
    assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.DONE
    assert not slapd.can_bind(ADA, "ada-secret")
    assert (await connector.enable_account(id_of("ada"))).kind is OutcomeKind.DONE
    assert slapd.can_bind(ADA, "ada-secret")


async def test_where_the_password_is_refused_a_lock_that_works_is_enough(kept):
    """The rules of one directory may forbid a ready hash: the lock alone still cuts the sign-in, and says so."""
    strict = f'access to attrs=userPassword by dn.exact="{LASTDAY_DN}" write by anonymous auth'
    with Slapd(SEED, password_rule=strict) as slapd:
        slapd.modify("dn: cn=default,ou=policies,dc=northwind,dc=example\nchangetype: modify\nadd: pwdCheckQuality\n"
                     "pwdCheckQuality: 2\n-\nadd: pwdMinLength\npwdMinLength: 8\n\n")  # fmt: skip
        ada = id_in(slapd, "ada")
        async with opened(slapd.port, kept) as connector:
            outcome = await connector.disable_account(ada)
            assert outcome.kind is OutcomeKind.DONE
            assert outcome.detail.startswith("lock only")
            assert not (await connector.read_account(ada)).enabled
            assert not slapd.can_bind(ADA, "ada-secret")
            assert (await connector.enable_account(ada)).kind is OutcomeKind.DONE
            assert slapd.can_bind(ADA, "ada-secret")


async def test_a_password_that_cannot_be_read_is_not_overwritten(kept):
    """What cannot be kept is not destroyed: no `there was none` goes to escrow."""
    blind = f'access to attrs=userPassword by dn.exact="{LASTDAY_DN}" =wcsdx by anonymous auth'
    with Slapd(SEED, password_rule=blind) as slapd:
        ada = id_in(slapd, "ada")
        async with opened(slapd.port, kept) as connector:
            with pytest.raises(PermissionMissing):
                await connector.disable_account(ada)
        assert kept.escrow.kept == {}
        assert slapd.can_bind(ADA, "ada-secret")


async def test_somebody_without_a_password_is_disabled_with_lock_and_gets_no_password_back(slapd, connector, id_of):
    assert (await connector.disable_account(id_of("eve"))).detail == "unusable password and lock"
    assert (await connector.disable_account(id_of("eve"))).kind is OutcomeKind.ALREADY_DONE
    await connector.enable_account(id_of("eve"))
    entry = slapd.one("(uid=eve)")
    assert entry["userPassword"] == []
    assert entry["pwdAccountLockedTime"] == []


async def test_a_lock_that_somebody_took_away_comes_back_and_the_true_password_stays_in_escrow(slapd, connector, id_of):
    """A second disable that has something to write never keeps the marker as if it were the old password."""
    await connector.disable_account(id_of("ada"))
    slapd.modify(f"dn: {ADA}\nchangetype: modify\ndelete: pwdAccountLockedTime\n\n")
    assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.DONE
    assert slapd.one("(uid=ada)")["pwdAccountLockedTime"] == [PERMANENT_LOCK.decode()]
    await connector.enable_account(id_of("ada"))
    assert slapd.can_bind(ADA, "ada-secret")


class CrashAfterKeep(MemoryEscrow):
    """An escrow whose caller dies right after the password was kept."""

    async def keep(self, application, native_id, kind, secret):
        await super().keep(application, native_id, kind, secret)
        raise SystemError("killed here")


async def test_a_crash_between_escrow_and_overwrite_loses_nothing(slapd, kept, id_of):
    """I-5: what was kept first is the true old value, whatever is repeated after the crash."""
    dying = TestPorts(escrow=CrashAfterKeep(kept.escrow.kept))
    async with opened(slapd.port, dying) as connector:
        with pytest.raises(SystemError):
            await connector.disable_account(id_of("ada"))
    assert our_writes(slapd) == []
    assert slapd.can_bind(ADA, "ada-secret")
    async with opened(slapd.port, kept) as connector:
        await connector.disable_account(id_of("ada"))
        await connector.disable_account(id_of("ada"))
        assert not slapd.can_bind(ADA, "ada-secret")
        await connector.enable_account(id_of("ada"))
    assert slapd.can_bind(ADA, "ada-secret")


async def test_a_password_changed_after_an_enable_that_crashed_is_the_one_that_comes_back(
    slapd, connector, kept, id_of
):
    """A stale value in escrow never beats the one that stands in the entry."""
    await connector.disable_account(id_of("ada"))
    stale = dict(kept.escrow.kept)
    await connector.enable_account(id_of("ada"))
    kept.escrow.kept.update(stale)
    slapd.modify(f"dn: {ADA}\nchangetype: modify\nreplace: userPassword\nuserPassword: newer-secret\n\n")
    await connector.disable_account(id_of("ada"))
    await connector.enable_account(id_of("ada"))
    assert slapd.can_bind(ADA, "newer-secret")
    assert not slapd.can_bind(ADA, "ada-secret")


async def test_no_secret_reaches_the_log(connector, slapd, kept, id_of):
    """Design section 8: requests are noted redacted."""
    await connector.check_connection()
    await connector.disable_account(id_of("ada"))
    await connector.enable_account(id_of("ada"))
    assert any(exchange.method == "MODIFY" for exchange in kept.log.exchanges)
    for secret in ("ada-secret", "lastday-secret", UNUSABLE.decode()):
        assert secret not in kept.log.text
    assert kept.budget.taken == len(kept.log.exchanges)


async def test_create_makes_an_enabled_account_once(slapd, connector):
    """S-02, I-6: the same wish a second time finds the account instead of making another."""
    wish = draft("new.person", "E77", mail="new@northwind.example", title="Clerk")
    first = await connector.create_account(wish)
    assert first.kind is OutcomeKind.DONE
    entry = slapd.one("(employeeNumber=E77)")
    assert entry.dn == f"uid=new.person,{PEOPLE}"
    assert entry["entryUUID"] == [first.native_id]
    assert (entry["cn"], entry["sn"], entry["userPassword"]) == (["New Person"], ["Person"], [])
    second = await connector.create_account(wish)
    assert (second.kind, second.native_id) == (OutcomeKind.ALREADY_DONE, first.native_id)
    assert len(our_writes(slapd)) == 1
    assert (await connector.read_account(first.native_id)).enabled


async def test_a_name_in_use_is_refused_as_taken_wherever_it_stands(slapd, connector):
    """E20100 of the sample: a newcomer never gets the account of a namesake."""
    slapd.add(ldif_entry(f"uid=robot,{GROUPS}", objectClass=("top", "account"), uid="robot"))
    for name in ("ada", "ADA", "robot"):
        outcome = await connector.create_account(draft(name, "E78"))
        assert (outcome.kind, outcome.detail) == (OutcomeKind.REFUSED, "taken")
    assert our_writes(slapd) == []


async def test_update_writes_only_what_differs_and_derived_names_follow(slapd, connector, id_of):
    """S-08 mover and rename: cn and sn said what displayName said, so they follow it."""
    wanted = Attributes.of({"displayName": "Ada King", "title": "Analyst"})
    before = slapd.one("(uid=ada)")
    assert (await connector.update_account(id_of("ada"), wanted, ())).kind is OutcomeKind.DONE
    entry = slapd.one("(uid=ada)")
    assert (entry["displayName"], entry["cn"], entry["sn"]) == (["Ada King"], ["Ada King"], ["King"])
    assert entry["mail"] == before["mail"]
    assert (await connector.update_account(id_of("ada"), wanted, ())).kind is OutcomeKind.ALREADY_DONE
    [write] = our_writes(slapd)
    assert not any(change.startswith("title") for change in write.changes)
    assert (await connector.update_account(id_of("ada"), NO_ATTRIBUTES, ("title",))).kind is OutcomeKind.DONE
    assert slapd.one("(uid=ada)")["title"] == []
    assert (await connector.update_account(id_of("ada"), NO_ATTRIBUTES, ("title",))).kind is OutcomeKind.ALREADY_DONE


async def test_a_new_uid_renames_the_entry_and_keeps_id_and_groups(slapd, connector, id_of):
    native_id = id_of("ada")
    outcome = await connector.update_account(native_id, Attributes.of({"uid": "ada.king"}), ())
    assert outcome.kind is OutcomeKind.DONE
    account = await connector.read_account(native_id)
    assert account.username == "ada.king"
    assert {"group/staff", "group/unique", "group/vpn"} <= {h.entitlement for h in account.holdings}
    assert slapd.search("(member=uid=ada,ou=people,dc=northwind,dc=example)") == []
    taken = await connector.update_account(native_id, Attributes.of({"uid": "bob"}), ())
    assert (taken.kind, taken.detail) == (OutcomeKind.REFUSED, "taken")


async def test_delete_leaves_every_group_first_and_no_dangling_member(slapd, connector, id_of, kept):
    """S-03; field-notes: deleting a group's last member leaves a dangling member in spite of refint."""
    native_id = id_of("ada")
    await connector.disable_account(native_id)
    assert (await connector.delete_account(native_id)).kind is OutcomeKind.DONE
    assert slapd.search("(uid=ada)") == []
    dangling = f"(|(member={ADA})(uniqueMember={ADA})(memberUid=ada))"
    assert slapd.search(dangling) == []
    assert slapd.one("(cn=staff)")["member"] == [f"uid=bob,{PEOPLE}"]
    assert kept.escrow.kept == {}
    assert (await connector.delete_account(native_id)).kind is OutcomeKind.ABSENT
    assert await connector.read_account(native_id) is None


async def test_every_verb_on_an_account_that_is_gone_is_absent(connector):
    gone = NativeId("00000000-0000-0000-0000-000000000000")
    for outcome in (
        await connector.disable_account(gone),
        await connector.enable_account(gone),
        await connector.delete_account(gone),
        await connector.give_holding(gone, "group/vpn"),
        await connector.revoke_holding(gone, "group/vpn"),
        await connector.update_account(gone, Attributes.of({"title": "x"}), ()),
    ):
        assert outcome.kind is OutcomeKind.ABSENT
    assert await connector.sign_in_refused(gone) is None


async def test_our_own_account_is_never_touched(slapd, connector):
    """I-2: the connector itself refuses, whatever a plan says."""
    own = NativeId(slapd.one("(cn=lastday)", "entryUUID")["entryUUID"][0])
    assert (await connector.disable_account(own)).kind is OutcomeKind.REFUSED
    assert (await connector.delete_account(own)).kind is OutcomeKind.REFUSED
    assert our_writes(slapd) == []


async def test_an_account_moved_elsewhere_in_the_tree_still_exists(slapd, connector, id_of):
    """A name is no id: an entry outside the people subtree is not gone."""
    native_id = id_of("ada")
    slapd.modify(f"dn: {ADA}\nchangetype: modrdn\nnewrdn: uid=ada\ndeleteoldrdn: 0\nnewsuperior: {GROUPS}\n\n")
    assert (await connector.read_account(native_id)).username == "ada"
    assert (await connector.disable_account(native_id)).kind is OutcomeKind.DONE
    assert not slapd.can_bind(f"uid=ada,{GROUPS}", "ada-secret")


HOSTILE = (
    "a*)(uid=*",
    "o'brien, ada",
    "#hash",
    " lead",
    "trail ",
    "a+b=c",
    'q"uo\\te',
    "<x>;y",
    "ünï.çødé",
    "né\u0301e",
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_stay_values(slapd, connector, name):
    """RFC 4514 and 4515: whatever stands in a name is a value, never syntax; nobody else is touched."""
    made = await connector.create_account(draft(name, "E9", displayName=name))
    assert made.kind is OutcomeKind.DONE
    assert [a.native_id for a in await connector.find_accounts("uid", name)] == [made.native_id]
    assert (await connector.give_holding(made.native_id, "group/staff")).kind is OutcomeKind.DONE
    assert (await connector.give_holding(made.native_id, "group/staff")).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.read_account(made.native_id)).holds("group/staff")
    assert (await connector.disable_account(made.native_id)).kind is OutcomeKind.DONE
    assert (await connector.revoke_holding(made.native_id, "group/staff")).kind is OutcomeKind.DONE
    assert (await connector.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert len(slapd.search("(objectClass=person)", base=PEOPLE)) == 3
    assert slapd.one("(cn=staff)")["member"] == [f"uid=ada,{PEOPLE}", f"uid=bob,{PEOPLE}"]


async def test_two_people_with_one_number_are_ambiguous_for_a_create(slapd, connector):
    slapd.add(person("twin", "E1") + group("other", ["twin"]))
    outcome = await connector.create_account(draft("x", "E1"))
    assert outcome.kind is OutcomeKind.REFUSED
    assert "ambiguous" in outcome.detail
