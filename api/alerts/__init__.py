"""Alerts: saved searches that compare new rows, their alerts and webhooks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
