"""The recorder: live streams become closed files of about ten seconds, and gaps with a reason."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
