"""Geography: which cameras a walker can have reached, and the trail of confirmed sightings."""
