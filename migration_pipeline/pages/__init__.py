"""Pages that a person works on in a browser, served on this machine for as long as a command runs.

Belongs here: what is shown, who may see it, and what becomes of what was entered. Does not belong here: the files that
are written (`config`), or what fits what (`target`). Everything that is shown came from strangers: it is text.
"""

from migration_pipeline.pages.serving import MappingServer, proposed

__all__ = ["MappingServer", "proposed"]
