"""Ranking: from a query's vector to scored, joined and paged clips."""
