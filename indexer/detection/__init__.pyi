from .camera_memory import PerCamera as PerCamera
from .crops import CROP_PX as CROP_PX
from .detector import Detector as Detector
from .registry import make_detector as make_detector
from .tracker import Track as Track
from .tracker import track_people as track_people
