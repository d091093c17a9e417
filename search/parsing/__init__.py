"""Parsing: a sentence taken apart into time, place, negations and a description of the person."""
