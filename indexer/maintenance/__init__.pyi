from .consistency import ConsistencyChecker as ConsistencyChecker
from .consistency import as_dict as as_dict
from .reindex import IndexFiller as IndexFiller
from .retention import Retention as Retention
from .row_images import RowImages as RowImages
from .row_images import rows_unlike_their_images as rows_unlike_their_images
from .row_images import seconds_per_row as seconds_per_row
