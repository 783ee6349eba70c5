"""The source-neutral vocabulary: entity types, Arrow schemas of every staged table, reason codes and errors.

Nothing here reads, writes or calls anything.
"""
