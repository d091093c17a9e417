"""Fills the index: find files, decode, sample, detect, track, embed, write. Imports `search`, never `api`."""
