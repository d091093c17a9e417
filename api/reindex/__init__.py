"""Re-indexing: a second index with a new model beside the active one, verified and switched."""
