"""How the catalogue's schema became what it is; run by `xunren migrate`."""
