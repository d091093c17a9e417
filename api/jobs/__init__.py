"""Jobs: the services that run beside a server, and the workers that index."""
