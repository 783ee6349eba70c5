"""Preflight of the target side: what a person should mend before a run, told with its risk and its remedy.

Belongs here: two tables of checks, one that asks Intercom (`asking`) and one that looks at what is staged (`staged`).
Does not belong here: what no API shows (the checklist), or stopping a run.
"""

from migration_pipeline.target.preflight.asking import asking
from migration_pipeline.target.preflight.staged import Staged, staged

__all__ = ["Staged", "asking", "staged"]
