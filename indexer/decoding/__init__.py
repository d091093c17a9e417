"""Decoding: a video file becomes the frames that are due, with an account of what was lost."""

from indexer.decoding.lookback import earlier_frames
from indexer.decoding.nvdec import decoding_card
from indexer.decoding.privacy_masks import PrivacyMasks, blackened
from indexer.decoding.probe import MediaInfo, probe
from indexer.decoding.video_source import FrameCounts, OpenCVSource, VideoSource

__all__ = [
    "FrameCounts", "MediaInfo", "OpenCVSource", "PrivacyMasks", "VideoSource", "blackened", "decoding_card",
    "earlier_frames", "probe",
]  # fmt: skip
