"""Simulated cameras: media, an RTSP server that shows it endlessly, and a network that fails on command."""

from benchmarks.cameras.media import Codec, make_media
from benchmarks.cameras.proxy import FaultyProxy
from benchmarks.cameras.server import PACKAGES, CameraServer, Mount

__all__ = ["PACKAGES", "CameraServer", "Codec", "FaultyProxy", "Mount", "make_media"]
