"""The migrations of the catalogue's schema, run by `xunren migrate`."""
