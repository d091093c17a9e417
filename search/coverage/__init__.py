"""Coverage: which seconds were recorded and indexed, and what an answer could not look at."""

from search.coverage.accounting import HOUR_MS, CoverageHour, account, is_alive, state_of
from search.coverage.answer_gaps import AnswerGaps, answer_gaps

__all__ = ["AnswerGaps", "CoverageHour", "HOUR_MS", "account", "answer_gaps", "is_alive", "state_of"]
