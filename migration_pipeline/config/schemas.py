"""JSON Schemas of migration.yaml and mapping.yaml, for editors; made of the models that read the files.

    python -m migration_pipeline.config.schemas     writes docs/schemas/

Belongs here: what a schema needs besides the model. Does not belong here: what a key means (its description in the
model).
"""

from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

import migration_pipeline
from migration_pipeline.config.mapping import Mapping
from migration_pipeline.config.migration import Migration

FOLDER: Final = Path(migration_pipeline.__file__).parent.parent / "docs" / "schemas"
MODELS: Final[dict[str, type[BaseModel]]] = {"migration": Migration, "mapping": Mapping}
_FROM_ENVIRONMENT: Final = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one of the files."""
    made: dict[str, Any] = MODELS[name].model_json_schema()
    if name == "migration":
        del made["properties"]["path"]  # known by the reader, and no key of the file
        made["required"] = [key for key in made["required"] if key != "path"]
        for section in (made, *made["$defs"].values()):
            properties = section.get("properties", {})
            section["properties"] = {key: _or_variable(value) for key, value in properties.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": f"{name}.yaml"}


def _or_variable(value: dict[str, Any]) -> dict[str, Any]:
    """The schema of a key that may also be a `${NAME}`; plain texts are that already."""
    narrow = {"pattern", "format", "enum", "const"} & value.keys() or value.get("type") in (
        "integer",
        "number",
        "boolean",
    )
    if not narrow or value.get("writeOnly"):
        return value
    about = ("title", "description", "default")
    kept = {name: part for name, part in value.items() if name in about}
    rest = {name: part for name, part in value.items() if name not in about}
    return {**kept, "anyOf": [rest, _FROM_ENVIRONMENT]}


def text(name: str) -> str:
    """The schema as it stands in `docs/schemas`."""
    return orjson.dumps(
        schema(name), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    ).decode()


def main() -> None:
    """Write both files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (FOLDER / f"{name}.schema.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
