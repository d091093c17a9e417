"""Parsing: a sentence taken apart into time, place, negations and a description of the person."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
