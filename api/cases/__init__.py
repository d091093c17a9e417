"""Cases: a missing person's file with photos, marks, sightings and trail."""
