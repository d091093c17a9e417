"""The audit log: a chain of entries that shows any later change, with signed heads."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
