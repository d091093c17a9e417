"""Maintenance: retention, consistency checks and re-indexing."""
