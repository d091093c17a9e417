"""Parsing: a sentence taken apart into time, place, negations and a description of the person."""

from search.parsing.content_policy import check_policy
from search.parsing.normalize import MAX_SENTENCE_CHARS, check_sentence
from search.parsing.parser import ChipKind, ParsedQuery, parse_query

__all__ = ["ChipKind", "MAX_SENTENCE_CHARS", "ParsedQuery", "check_policy", "check_sentence", "parse_query"]
