"""Coverage: which seconds were recorded and indexed, and what an answer could not look at."""
