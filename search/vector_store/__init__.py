"""Vector stores: rows with unit vectors, searched by cosine among those that fit a filter."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
