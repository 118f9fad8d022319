"""A POST that a client sends again because it did not hear the answer to the first (profiles of real clients)."""

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator
from lastday.interfaces.scim.provider import Provider
from lastday.model.ids import SourceName
from lastday.model.scim import Body, PushedResource, ResourceType
from lastday.store.pushed import Search

_NAMED_BY = {ResourceType.USER: "userName", ResourceType.GROUP: "displayName"}


async def made_before(provider: Provider, source: SourceName, kind: ResourceType, body: Body) -> PushedResource | None:
    """The resource that has both the externalId and the name of `body`; None where there is none or two."""
    name, external_id = body.get(_NAMED_BY[kind]), body.get("externalId")
    if not isinstance(name, str) or not isinstance(external_id, str):
        return None
    same = And(left=_equal("externalId", external_id), right=_equal(_NAMED_BY[kind], name))
    found = await provider.resources.find(source, Search(type=kind, filter=same, count=2))
    return found.items[0].resource if len(found.items) == 1 else None


def _equal(attribute: str, text: str) -> Compare:
    return Compare(path=AttributePath(attribute=attribute), operator=CompareOperator.EQ, value=text)
