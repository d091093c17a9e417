"""Coverage: which seconds were recorded and indexed, and what an answer could not look at."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
