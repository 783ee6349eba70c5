"""Thin Dagster assets and checks, a module per stage, and the workbench that wires the stages together.

Belongs here: wiring, metadata, descriptions. Does not belong here: any logic of a stage.
"""

import warnings

import dagster as dg

# Every command imports the assets, and its user can do nothing about a parameter of Dagster's that is still in beta.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
