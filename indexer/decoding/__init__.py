"""Decoding: a video file becomes the frames that are due, with an account of what was lost."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
