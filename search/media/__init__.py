"""Media: recordings, thumbnails and playable clips in a folder or in S3."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
