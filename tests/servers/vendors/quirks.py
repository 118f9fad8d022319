"""What single vendors do that no field of a profile can say. Where each is described stands in the profile."""

import zlib
from collections.abc import Iterable
from typing import Any, ClassVar

from lastday.connectors.scim.vendor_profile import VendorProfile
from tests.servers.vendors.searching import Comparison, Resource
from tests.servers.vendors.service import Answer, Asked, Refusal, Service, invalid, not_found

ON_SCHEDULE, UNBOUND = "on_schedule", "unbound"
"""Traits of users: on a duty roster; there before SCIM and not bound to it."""


class PagerDuty(Service):
    def check_user(self, body: Resource) -> None:
        super().check_user(body)
        if body.get("id") is None and body.get("active") is False:
            raise invalid("a user cannot be made inactive")

    def erase(self, user: Resource) -> None:
        if ON_SCHEDULE in self.traits[user["id"]]:
            raise invalid("The user cannot be deleted as they have 1 schedule")
        super().erase(user)


class IdentityCenter(Service):
    group_patch_status = 204

    def by_cursor(self, asked: Asked) -> bool:
        """Pages come only to those who ask with `cursor`, empty at first; others get the first page alone."""
        return "cursor" in asked.query

    def check_user(self, body: Resource) -> None:
        super().check_user(body)
        if any(mail.get("primary") is not True for mail in body.get("emails") or []):
            raise invalid("the mail must be primary", limit="primary_mail")

    def look_at_filter(self, comparisons: Iterable[Comparison]) -> None:
        named = {one.attribute.lower(): one.value for one in comparisons}
        if len(named) > 1 and set(named) != {"id", "members"} and set(named) != {"id", "manager"}:
            raise invalid("these filters cannot be combined", "filter", "invalidFilter")
        member = named.get("members", named.get("members.value"))
        if member is not None and member not in self.users:
            raise not_found("member")


class Entra(Service):
    user_patch_status = 204
    group_patch_status = 204
    list_key = "resources"

    def shown_group(self, group: Resource) -> Resource:
        return {name: value for name, value in group.items() if name != "members"}

    def check_group_patch(self, operations: list[Resource], body_bytes: int) -> None:
        super().check_group_patch(operations, body_bytes)
        about = [one for one in operations if str(one.get("path") or "").startswith("members")]
        if about and len(operations) > 1:
            raise invalid("members come and go in an operation of their own", limit="mixed_operations")

    def look_at_filter(self, comparisons: Iterable[Comparison]) -> None:
        named = [one.attribute.lower() for one in comparisons]
        if "externalid" in named and len(named) > 1:
            raise invalid("externalId stands alone", "filter", "invalidFilter")


class GitHubEnterprise(Service):
    def __init__(self, profile: VendorProfile) -> None:
        super().__init__(profile)
        self._names: dict[str, Resource] = {}

    def admit(self, asked: Asked) -> None:
        if not asked.headers.get("user-agent"):
            raise Refusal(403, "a User-Agent is required", limit="user_agent")

    def disabled(self, user: Resource) -> None:
        """A suspended user has neither name nor mail that anybody knows."""
        self._names[user["id"]] = {"userName": user["userName"], "emails": user.get("emails", [])}
        hidden = f"{zlib.crc32(user['id'].encode()):x}_NORTHWIND"
        user["userName"] = hidden
        user["emails"] = [{**mail, "value": f"{hidden}@users.invalid"} for mail in user.get("emails", [])]

    def enabled(self, user: Resource) -> None:
        user.update(self._names.pop(user["id"], {}))


class GitHubOrganisation(Service):
    def admit(self, asked: Asked) -> None:
        if not asked.headers.get("user-agent"):
            raise Refusal(403, "a User-Agent is required", limit="user_agent")


class Figma(Service):
    def listed_users(self) -> list[Resource]:
        return [user for user in super().listed_users() if UNBOUND not in self.traits[user["id"]]]

    def visible_user(self, uid: str) -> Resource:
        user = super().visible_user(uid)
        if UNBOUND in self.traits[uid]:
            raise not_found("user")
        return user

    def taken(self, body: Resource) -> Answer:
        """POST binds an account that is there and has not been bound."""
        name = str(body["userName"]).lower()
        user = next(one for one in self.users.values() if str(one["userName"]).lower() == name)
        if UNBOUND not in self.traits[user["id"]]:
            return super().taken(body)
        self.traits[user["id"]].discard(UNBOUND)
        user.update({key: value for key, value in body.items() if key not in ("id", "meta")})
        return Answer(201, self.shown_user(user))


class Miro(Service):
    most_bytes: ClassVar[int] = 800_000

    def takes_text_booleans(self) -> bool:
        return True

    def check_group_patch(self, operations: list[Resource], body_bytes: int) -> None:
        if body_bytes > self.most_bytes:
            raise Refusal(413, "payload too large", limit="too_many_members")
        try:
            super().check_group_patch(operations, body_bytes)
        except Refusal as refusal:
            if refusal.limit == "too_many_members":
                raise Refusal(413, "payload too large", limit=refusal.limit) from refusal
            raise
        for operation in operations:
            self._wake(operation)

    def _wake(self, operation: Resource) -> None:
        """Who is put into a team is active again."""
        value: Any = operation.get("value")
        if operation["op"].lower() == "add" and isinstance(value, list):
            for member in value:
                self.users[member["value"]]["active"] = True

    def create_group(self, body: Resource) -> Answer:
        raise Refusal(405, "teams are not made here")


class Salesforce(Service):
    def create_group(self, body: Resource) -> Answer:
        raise Refusal(405, "groups are not made here")


class Databricks(Service):
    def bad_boolean(self) -> Refusal:
        return Refusal(500, "class java.lang.String cannot be cast to class java.lang.Boolean", limit="boolean")

    def _replaced(self, user: Resource, after: Resource, status: int) -> Answer:
        return super()._replaced(user, {**after, "userName": user["userName"]}, status)


class Zoom(Service):
    def new_id(self) -> str:
        """Its ids have characters that must be escaped in an address."""
        return f"k&Kd {super().new_id()}"

    def admit(self, asked: Asked) -> None:
        if "application/scim+json" not in asked.headers.get("accept", ""):
            raise Refusal(406, "Accept must be application/scim+json", limit="accept")


class JFrog(Service):
    def group_id(self, name: str) -> str:
        return name


QUIRKS: dict[str, type[Service]] = {
    "pagerduty": PagerDuty,
    "aws_identity_center": IdentityCenter,
    "entra": Entra,
    "github_emu": GitHubEnterprise,
    "github_organisation": GitHubOrganisation,
    "figma": Figma,
    "miro": Miro,
    "salesforce": Salesforce,
    "databricks": Databricks,
    "zoom": Zoom,
    "jfrog": JFrog,
}


def service_of(profile: VendorProfile) -> Service:
    """The service of a vendor; most need nothing beyond their profile."""
    return QUIRKS.get(profile.name, Service)(profile)
