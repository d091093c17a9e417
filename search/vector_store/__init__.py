"""Vector stores: rows with unit vectors, searched by cosine among those that fit a filter."""
