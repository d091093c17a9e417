"""The library: what an index is and how it is asked. Imports neither `indexer` nor `api`, and never torch on import.

Start at `search.engine.SearchEngine` (a sentence in, an `Answer` out); `search.types` has the words, `search.errors`
the errors, `search.config` the settings.
"""
