"""Cases: a missing person"s file with photos, marks, sightings and trail."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
