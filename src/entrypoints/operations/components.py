"""The schemas of what is sent and answered, as the OpenAPI document names them."""

import re
from collections.abc import Iterable
from typing import Any, Final

import attrs
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from telemed_core.messages.fields import Request
from telemed_core.messages.views import View

SCHEMAS: Final = "#/components/schemas/"

Json = dict[str, Any]
Model = type[Request] | type[View]

_PAGE: Final = re.compile(r"Page\[(\w+?)(?:View)?\]").fullmatch


class _Named(GenerateJsonSchema):
    """Names without ``View``, ``DoctorPage`` for a page of doctors, and no titles that repeat them."""

    def normalize_name(self, name: str) -> str:
        page = _PAGE(name)
        return f"{page[1]}Page" if page else super().normalize_name(name).removesuffix("View")

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 # pydantic's signature
        return False


@attrs.frozen
class Components:
    """Schemas by name, and where the one of each model is."""

    schemas: dict[str, Json]
    _references: dict[Model, str]

    def reference(self, model: Model) -> Json:
        """What stands for the model's schema."""
        return {"$ref": self._references[model]}

    def schema(self, model: Model) -> Json:
        """The model's schema itself."""
        return self.schemas[self._references[model].removeprefix(SCHEMAS)]


def components_of(requests: Iterable[type[Request]], views: Iterable[type[View]]) -> Components:
    """The schemas of these, and of all that they are made of."""
    wanted: list[tuple[Model, JsonSchemaMode]] = [
        *((request, "validation") for request in dict.fromkeys(requests)),
        *((view, "serialization") for view in dict.fromkeys(views)),
    ]
    found, whole = models_json_schema(wanted, ref_template=SCHEMAS + "{model}", schema_generator=_Named)
    references = {model: found[model, mode]["$ref"] for model, mode in wanted}
    return Components({name: _readable(schema) for name, schema in whole["$defs"].items()}, references)


def _readable(schema: Json) -> Json:
    shown = {key: value for key, value in schema.items() if key != "title"}
    if "description" in shown:
        shown["description"] = shown["description"].replace("``", "`")
    return shown
