"""Measurements that take minutes, each a command of its own; their figures stand in README.md."""
