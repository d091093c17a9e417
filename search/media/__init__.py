"""Media: recordings, thumbnails and playable clips in a folder or in S3."""
