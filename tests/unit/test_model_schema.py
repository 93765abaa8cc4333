"""The JSON schema of the cluster file: it is the generated one, and editors can use it."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pmx_cluster_tb.model
from pmx_cluster_tb.model.schema import json_schema
from tests.command import EXAMPLE

SHIPPED = Path(pmx_cluster_tb.model.__file__).with_name("cluster.schema.json")
ERRORS = Path(__file__).parents[1] / "errors"
SCHEMA: Any = json.loads(json.dumps(json_schema()))


def test_the_shipped_file_is_the_generated_one(*, update_golden: bool) -> None:
    if update_golden:
        SHIPPED.write_text(json.dumps(json_schema(), indent=2) + "\n")
    assert SHIPPED.read_text() == json.dumps(json_schema(), indent=2) + "\n"


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"].endswith("/draft/2020-12/schema")
    assert SCHEMA["$id"].endswith("/" + SHIPPED.relative_to(Path(__file__).parents[2]).as_posix())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of every table with its schema."""
    for name, entry in schema.get("properties", {}).items():
        yield f"{path}{name}", entry
    for name, definition in schema.get("$defs", {}).items():
        yield from keys(definition, f"{name}.")


def test_every_key_is_described() -> None:
    found = dict(keys(SCHEMA))
    assert len(found) > 50
    for path, entry in found.items():
        assert entry["description"].endswith("."), path
        assert {"type", "$ref"} & set(entry), path


def test_unknown_keys_are_marked() -> None:
    for table in [SCHEMA, *SCHEMA["$defs"].values()]:
        assert table["additionalProperties"] is False


def test_the_example_is_valid() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(tomllib.loads(EXAMPLE.read_text()))


# what an editor marks while one types
MARKED = [
    *(
        "cluster-name-too-long",
        "proxmox-ve-too-old",
        "locale-country",
        "locale-timezone-alias",
        "ring-mtu-too-small",
    ),
    *("unknown-keys", "required-keys", "types-text", "types-numbers", "node-nic-none"),
    *(
        "root-password-hash-plain",
        "root-password-hash-missing",
        "root-password-hash-twice",
        "node-number-zero",
    ),
    *("node-nic-mac-form", "disk-serial-glob", "node-port-says-nothing", "empty-text", "disk-size"),
]


@pytest.mark.parametrize("case", MARKED)
def test_mistakes_are_marked(case: str) -> None:
    value = tomllib.loads((ERRORS / f"{case}.toml").read_text())
    # dates, which JSON has not, are no text either
    value = json.loads(json.dumps(value, default=lambda _: None))
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
