"""Tests of deltas: what changed in the source since the full run, and what people changed in the target."""
