"""Evidence: a sighting exported as a signed folder, and its verification."""
