"""Thin Dagster assets and checks, a module per stage, and the workbench that wires the stages together.

Belongs here: wiring, metadata, descriptions. Does not belong here: any logic of a stage.
"""
