"""Models: the CLIP models that turn sentences and pictures into vectors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
