"""Parsing: a sentence taken apart into time, place, what is not wanted, and what the person looks like."""
