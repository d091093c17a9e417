from .content_policy import check_policy as check_policy
from .normalize import MAX_SENTENCE_CHARS as MAX_SENTENCE_CHARS
from .normalize import check_sentence as check_sentence
from .parser import ChipKind as ChipKind
from .parser import ParsedQuery as ParsedQuery
from .parser import parse_query as parse_query
