"""Re-indexing: a second index with a new model beside the active one, verified and switched."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
