"""The importer: files of recordings are found, named, dated and registered as segments."""

from indexer.importer.registration import Registered, register

__all__ = ["Registered", "register"]
