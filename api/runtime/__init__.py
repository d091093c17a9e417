"""The runtime: what is open while a process answers or indexes."""
