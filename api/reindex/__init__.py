"""Re-indexing: a second index with a new model beside the live one, verified and switched."""
