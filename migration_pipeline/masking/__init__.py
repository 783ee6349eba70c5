"""Personal data that does not leave the machine: what `masking` in migration.yaml says is masked or dropped.

Belongs here: finding and replacing in texts, HTML and JSON. Does not belong here: which column of a payload is what
(`target`), or the rules' own form (`config`).
"""
