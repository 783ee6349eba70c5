"""What a migration keeps on disk and computes over it."""
