from .backfill import IndexSynchronizer as IndexSynchronizer
from .backfill import backfill_until as backfill_until
from .backfill import begin as begin
from .backfill import load_indexes_until as load_indexes_until
from .plan import plan as plan
from .status import status as status
from .switch import drop as drop
from .switch import switch as switch
