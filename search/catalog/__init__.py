"""The catalogue: cameras, segments, streams, recordings and indexes in SQL."""
