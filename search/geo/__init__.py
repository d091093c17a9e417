"""Geography: which cameras a person can have reached, and the trail of confirmed sightings."""

from search.geo.reachability import RIDING_MPS, WALKING_MPS, Point, Reach, distance_m, located, reachable
from search.geo.trail import LAST_SEEN, Step, Stop, Trail, beside, trail

__all__ = [
    "LAST_SEEN", "Point", "RIDING_MPS", "Reach", "Step", "Stop", "Trail", "WALKING_MPS", "beside", "distance_m",
    "located", "reachable", "trail",
]  # fmt: skip
