"""What a plan says of each application: what can be undone, what is destroyed, what stays alive (issue 3, point 4)."""

from dataclasses import replace

from lastday.connectors.sdk.catalogue import catalogue
from lastday.execution.plan_report import effects_in, plan_report
from lastday.model.ids import ApplicationName, IdentityId, OperationId
from lastday.model.operation import Because, Operation, Verb
from lastday.planning.build import build_plan
from tests.unit.planning.people import MADE_FROM, NOW, a_leaver, a_profile, an_account

PAGER, CHAT = ApplicationName("pager"), ApplicationName("chat")


def manifests():
    scim = catalogue()["scim"]
    return {PAGER: scim.manifest_of({"vendor": "pagerduty"}), CHAT: scim.manifest_of({"vendor": "slack"})}


def plan_in(name):
    manifest = manifests()[name]
    capabilities = frozenset(capability.value for capability in manifest.capabilities)
    profile = a_profile(name, destroys=manifest.destroys, capabilities=capabilities)
    account = replace(an_account("u1", "1"), application=name)
    return build_plan([a_leaver("1", account)], {name: profile}, MADE_FROM, NOW)


def said_of(name):
    (said,) = effects_in(plan_in(name), manifests())
    return said


def test_a_disable_that_deletes_is_shown_as_what_it_is():
    """PagerDuty: active=false deletes the user, and what must be handed over first is named."""
    said = said_of(PAGER)
    assert (said["application"], said["reversible"]) == ("pager", False)
    assert said["verbs"] == [
        {"verb": "disable", "reversible": False, "destroys": ["the user", "contact methods and notification rules"]}
    ]
    assert any("schedules" in what for what in said["hand_over_first"])
    assert any("access keys" in what for what in said["survives"])


def test_a_disable_that_can_be_undone_is_shown_so():
    """Slack deactivates; what the person installed stays alive."""
    said = said_of(CHAT)
    assert said["reversible"] is True
    assert said["verbs"] == [{"verb": "disable", "reversible": True, "destroys": []}]
    assert any("webhooks" in what for what in said["survives"])


def test_an_application_in_which_nothing_is_taken_is_not_spoken_of():
    give = Operation(
        id=OperationId("o-1"), identity=IdentityId("i-1"), application=CHAT, account=None, native_id=None,
        verb=Verb.GIVE, entitlement="group/all", because=Because.ROLE_GAINED, detail="",
    )  # fmt: skip
    plan = replace(plan_in(PAGER), operations=(give,))
    assert plan_report(plan, {}, (), manifests())["effects"] == []
