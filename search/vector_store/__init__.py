"""Vector stores: rows with unit vectors, found by cosine among those that a filter lets through."""
