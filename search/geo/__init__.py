"""Geography: which cameras a person can have reached, and the trail of confirmed sightings."""
