from .background import apply_retention_until as apply_retention_until
from .background import deliver_alerts_until as deliver_alerts_until
from .background import exit_on_sigterm as exit_on_sigterm
from .background import export_heads_until as export_heads_until
from .background import in_background as in_background
from .background import index_until as index_until
from .workers import open_executor as open_executor
from .workers import open_threads as open_threads
