from .camera_share import FOLDER_ID as FOLDER_ID
from .recorder import Recorder as Recorder
