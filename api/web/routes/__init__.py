"""The HTTP routes, a small module for each subject."""
