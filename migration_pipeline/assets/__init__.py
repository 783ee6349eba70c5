"""Thin Dagster assets and checks, a module per stage, and the workbench that wires the stages together.

Belongs here: wiring, metadata, descriptions. Does not belong here: any logic of a stage.
"""

import warnings

# A user can do nothing about a parameter of Dagster's that is still in beta. The category is not named: commands start
# sooner where they need not load Dagster.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")
