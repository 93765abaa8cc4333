"""The JSON schema of the cluster file, for editors; generated from the same declarations that are checked."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from pmx_cluster_tb.model.kinds import JsonObject
from pmx_cluster_tb.model.shape import Shape
from pmx_cluster_tb.model.tables import FileTable
from pmx_cluster_tb.release import HOMEPAGE

_RAW = HOMEPAGE.replace("https://github.com/", "https://raw.githubusercontent.com/")
SCHEMA_ID = f"{_RAW}/main/builder/pmx_cluster_tb/model/cluster.schema.json"


def json_schema() -> dict[str, object]:
    """The schema (draft 2020-12), as JSON values."""
    definitions: dict[str, JsonObject] = {}

    def define(shape: type[Shape]) -> JsonObject:
        name = shape.__name__.removesuffix("Table").lower()
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _table(shape)
        return {"$ref": f"#/$defs/{name}"}

    def _table(shape: type[Shape]) -> JsonObject:
        properties: dict[str, object] = {}
        for name, (_, entry) in shape.KEYS.items():
            default = {} if _is_empty(entry.default) else {"default": _json(entry.default)}
            properties[name] = {"description": entry.description, **entry.kind.schema(define), **default}
        required = [name for name, (_, entry) in shape.KEYS.items() if entry.required]
        return {
            "type": "object",
            "description": (shape.__doc__ or "").strip(),
            "properties": properties,
            **({"required": required} if required else {}),
            "additionalProperties": False,
            **shape.JSON,
        }

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "pmx-cluster-tb cluster file",
        **_table(FileTable),
        "$defs": definitions,
    }


def _is_empty(default: object) -> bool:
    return default is None or isinstance(default, Shape)


def _json(default: object) -> object:
    match default:
        case tuple():
            return list(default)
        case StrEnum() | IPv4Network() | IPv6Network():
            return str(default)
    return default
