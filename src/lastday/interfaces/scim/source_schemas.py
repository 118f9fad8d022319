"""The schemas that a source's clients speak, with those of the company's own from the configuration."""

from lastday.configuration.settings import CustomAttributeSettings, CustomSchemaSettings, SourceSettings
from lastday.interfaces.scim.protocol.schema import Attribute, AttributeType, CustomSchema, Mutability, Returned
from lastday.interfaces.scim.protocol.schema_set import SchemaSet


def schemas_of(source: SourceSettings) -> SchemaSet:
    """Everything that clients of the source may push. Raises InputError where a schema of its own is there already."""
    return SchemaSet.of([_schema(extension) for extension in source.extensions])


def _schema(settings: CustomSchemaSettings) -> CustomSchema:
    attributes = tuple(_attribute(one) for one in settings.attributes)
    return CustomSchema(urn=settings.urn, name=_name(settings.urn), attributes=attributes)


def _name(urn: str) -> str:
    """`urn:example:params:scim:schemas:extension:company:2.0:User` is called `company`: the last part that says it."""
    parts = [part for part in urn.split(":") if part and not part[0].isdigit()]
    return parts[-2] if len(parts) > 2 and parts[-1].lower() == "user" else parts[-1]


def _attribute(settings: CustomAttributeSettings) -> Attribute:
    return Attribute(
        name=settings.name,
        type=AttributeType(settings.type),
        multi_valued=settings.multi_valued,
        required=settings.required,
        case_exact=settings.case_exact,
        mutability=Mutability(settings.mutability),
        returned=Returned(settings.returned),
        description=settings.description,
        sub_attributes=tuple(_attribute(one) for one in settings.sub_attributes),
    )
