"""The pipeline: a segment goes in, rows in the vector store and a report come out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
