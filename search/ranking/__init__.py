"""Ranking: from a query's vector to scored, joined, diversified and paged clips."""
