"""What the mapping's page knows besides mapping.yaml: proposals and the workspace, as `migrate map` found them last.

Belongs here: reading it, and what of the file contradicts it. Does not belong here: how it is shown (`lines`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.staging.atomic import read_json
from migration_pipeline.target.candidates import FILE
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.conflicts import Conflict, conflicts
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes, types_read_last, unknown_states


@dataclass(frozen=True)
class Known:
    """One migration's proposals and workspace; `types` is None where no ticket types were read."""

    migration: Migration
    catalogue: Catalogue
    proposals: Sequence[Mapping[str, Any]]
    types: TicketTypes | None = None

    @classmethod
    def of(cls, migration: Migration) -> Self:
        """What stands in the migration's folder.

        Raises:
            SettingsError: nothing was proposed yet.
        """
        proposals = read_json(migration.root / FILE)
        catalogue = migration.root / "catalogue.json"
        if proposals is None or not catalogue.exists():
            raise SettingsError("There are no proposals to decide on yet: run `migrate map` first.")
        read = Catalogue.from_json(catalogue.read_bytes())
        return cls(migration, read, proposals["entries"], types_read_last(migration))

    @property
    def states(self) -> list[str]:
        """What a ticket's state may be called."""
        return (self.types or NO_TYPES).state_names

    def conflicts(self, rules: Rules) -> list[Conflict]:
        """Everything in the file that would keep a run from loading."""
        return [
            *conflicts(rules, self.catalogue),
            *(unknown_states(self.migration, rules, self.types) if self.types else ()),
            *(
                Conflict(("defaults", name), "the workspace requires a value of each conversation")
                for name, value in rules.defaults.items()
                if value is None
            ),
        ]
