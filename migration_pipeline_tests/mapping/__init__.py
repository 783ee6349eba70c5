"""Tests of mapping: records in, payloads out."""
