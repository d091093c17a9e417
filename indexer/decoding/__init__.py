"""Decoding: a video file becomes the frames that are due, with an account of what was lost."""
