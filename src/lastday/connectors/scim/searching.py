"""Finding users by an attribute, where the application's filter on it is known to be applied."""

from collections.abc import Mapping, Sequence

from lastday.connectors.scim.dialect import Dialect
from lastday.connectors.scim.features import FeatureReader
from lastday.connectors.scim.lists import ListReader, Query
from lastday.connectors.scim.resources import Resource, attributes_of, equals, id_of, schema_of
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.errors import AnswerUnusable, NotSupported


class UserFinder:
    """Searches the users of one application."""

    def __init__(self, lists: ListReader, dialect: Dialect, features: FeatureReader) -> None:
        self._lists = lists
        self._dialect = dialect
        self._features = features
        self._proven: set[str] = set()

    async def find(self, attribute: str, value: str) -> Sequence[Resource]:
        """Every user whose `attribute` is `value`, read fresh.

        Raises NotSupported where the application has no such filter, and AnswerUnusable where its answer shows that it
        was not applied. That nobody is found counts only after the filter has found somebody known to be there.
        """
        users = await self._asked(attribute, value)
        if any(not shows(user, attribute, value) for user in users):
            await self._refuse_unapplied(attribute)
        if users:
            self._proven.add(attribute.lower())
        elif attribute.lower() not in self._proven:
            await self._prove(attribute)
        return users

    async def _asked(self, attribute: str, value: str) -> tuple[Resource, ...]:
        return await self._lists.every(Query(endpoint="Users", filter=self._filter(attribute, value), fresh=True))

    def _filter(self, attribute: str, value: str) -> str:
        wanted = equals(attribute, value)
        known = self._dialect.searchable
        written = attribute if known is None else _written(known, attribute)
        if written is None:
            raise NotSupported(
                f"the application does not search by {attribute}", mend=f"It does by {', '.join(known or ())}."
            )
        if attribute.lower() == "active":
            return f"active eq {'true' if value.lower() == 'true' else 'false'}"
        return wanted if written == attribute else f"{written}{wanted[wanted.index(' eq ') :]}"

    async def _refuse_unapplied(self, attribute: str) -> None:
        what = f"the search for {attribute} also found a user that does not show that value"
        if not (await self._features.known()).filter:
            raise NotSupported(what)
        raise AnswerUnusable(what, effect="The filter was not applied; nothing is concluded.")

    async def _prove(self, attribute: str) -> None:
        """Raises NotSupported where the filter does not find somebody who has a value under the attribute.

        A server that does not know the attribute in filters finds nobody by it (RFC 7644 section 3.4.2.1), which would
        read as "there is no such account".
        """
        page = await self._lists.page(Query(endpoint="Users", fresh=True))
        sample = next(((user, values[0]) for user in page.items if (values := values_of(user, attribute))), None)
        if sample is None:
            if not (await self._features.known()).filter:
                raise NotSupported("the application announces no filters, and nobody is there to try one with")
            return
        found = await self._asked(attribute, str(sample[1]))
        if id_of(sample[0]) not in {id_of(user) for user in found}:
            raise NotSupported(f"the application's search by {attribute} does not find who has it")
        self._proven.add(attribute.lower())


def shows(user: Resource, attribute: str, value: str) -> bool:
    """The user has the value under the attribute, case apart: most names compare so (RFC 7643 section 2.2)."""
    return value.casefold() in {str(item).casefold() for item in values_of(user, attribute)}


def values_of(user: Resource, attribute: str) -> tuple[AttributeValue, ...]:
    return values_under(attributes_of(user), attribute)


def values_under(have: Attributes, name: str) -> tuple[AttributeValue, ...]:
    """The values under a name, or under its `value` where the name stands for an object (`manager`, `emails`)."""
    inner = schema_of(name)[1]
    return have.get(inner, ()) or have.get(f"{inner}.value", ())


def _written(known: Mapping[str, str], attribute: str) -> str | None:
    """How the application writes the attribute in a filter: `emails.value` may be `emails` there."""
    name = attribute.lower()
    bare = name.rpartition(":")[2]
    candidates = (name, bare, bare.removesuffix(".value"), f"{bare}.value")
    return next((known[candidate] for candidate in candidates if candidate in known), None)
