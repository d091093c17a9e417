"""Jobs: the threads that run beside a server, and the workers that index."""
