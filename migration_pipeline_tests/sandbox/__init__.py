"""Tests of the stand-in services, over real HTTP on loopback."""
