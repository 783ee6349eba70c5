"""Stand-ins for the services: a source help desk and an Intercom workspace, served on loopback.

Here stand the shared machinery (`service` and the small modules it is made of) and one folder per service. Nothing here
imports the rest of the pipeline, and the pipeline imports nothing from here: it is started as
`python -m migration_pipeline.sandbox`, so that a misreading of a service cannot hide on both sides.
"""
