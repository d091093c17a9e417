"""Models: the CLIP models that turn sentences and pictures into vectors."""
