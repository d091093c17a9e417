"""Geography: which cameras a person can have reached, and the trail of confirmed sightings."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
