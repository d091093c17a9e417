"""The recorder: live streams become closed files of about ten seconds, and gaps with a reason."""

from indexer.recorder.camera_share import FOLDER_ID
from indexer.recorder.recorder import Recorder

__all__ = ["FOLDER_ID", "Recorder"]
