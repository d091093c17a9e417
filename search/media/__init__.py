"""Media: recordings, thumbnails and playable clips in a folder or in S3."""

from search.media.clip_cache import ClipCache, delete_segment_media, segments_with_media
from search.media.clip_cutter import ffmpeg_path
from search.media.concat import join_files
from search.media.containers import check_size, mean_fps, not_by_card, open_video
from search.media.media_store import MediaStore, encode_thumbnail, open_media, shrink
from search.media.photos import MAX_BYTES, jpeg, photo_file, read_photo
from search.media.privacy_masks import covered
from search.media.timestamps import MAX_TOTAL_S, Timeline
from search.media.track_boxes import Seen, packed, person_row_id, segment_and_track, unpacked

__all__ = [
    "ClipCache", "MAX_BYTES", "MAX_TOTAL_S", "MediaStore", "Seen", "Timeline", "check_size", "covered",
    "delete_segment_media", "encode_thumbnail", "ffmpeg_path", "join_files", "jpeg", "mean_fps", "not_by_card",
    "open_media", "open_video", "packed", "person_row_id", "photo_file", "read_photo", "segment_and_track",
    "segments_with_media", "shrink", "unpacked",
]  # fmt: skip
