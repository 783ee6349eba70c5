"""The page of the mapping: who may see it, what it writes, what it refuses."""
