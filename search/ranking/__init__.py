"""Ranking: from a query"s vector to scored, joined, diversified and paged clips."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
