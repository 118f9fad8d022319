"""What every part of the service provider works with."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lastday.interfaces.scim.cursors import CursorSeal
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.ports import Clients, Resources, Writer
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.interfaces.scim.views import Shows, View, Views
from lastday.model.clock import Clock
from lastday.model.ids import SourceName
from lastday.model.scim import PushClient, PushedResource, ResourceType


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The ports, and what does not change between requests."""

    resources: Resources
    writer: Writer
    clients: Clients
    schemas: Callable[[SourceName], SchemaSet]
    profiles: Callable[[str], Profile]
    base_url: str
    """Where clients reach us, with `/scim/v2` and without a slash at the end."""
    cursors: CursorSeal
    limits: ScimLimits
    clock: Clock
    views: Views = field(default_factory=Views)

    def shows(self, client: PushClient, kind: ResourceType, view: View) -> Shows:
        """What shows resources of the kind to the client."""
        return self.views.shows(view, self.schemas(client.source).kind(kind))

    def location(self, resource: PushedResource) -> str:
        """The address of the resource (RFC 7643 section 3.1, `meta.location`)."""
        return f"{self.base_url}/{resource.type.endpoint}/{resource.id}"
