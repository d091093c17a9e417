"""Detection: people in frames, their tracks, and the crops that represent a track."""

from indexer.detection.camera_memory import PerCamera
from indexer.detection.crops import CROP_PX
from indexer.detection.detector import Detector
from indexer.detection.registry import make_detector
from indexer.detection.tracker import Track, track_people

__all__ = ["CROP_PX", "Detector", "PerCamera", "Track", "make_detector", "track_people"]
