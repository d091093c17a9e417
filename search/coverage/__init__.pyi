from .accounting import HOUR_MS as HOUR_MS
from .accounting import CoverageHour as CoverageHour
from .accounting import account as account
from .accounting import is_alive as is_alive
from .accounting import state_of as state_of
from .answer_gaps import AnswerGaps as AnswerGaps
from .answer_gaps import answer_gaps as answer_gaps
