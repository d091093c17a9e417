"""The library: what an index is and how it is asked. Imports neither `indexer` nor `api`, and never torch on import."""
