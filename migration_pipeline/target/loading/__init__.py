"""One module per kind of record that is loaded, and what they share while a record is at work.

Belongs here: the calls of a record and their order. Does not belong here: how one call is sent exactly once
(`target.writer`), or which records there are (`target.loader`).
"""
