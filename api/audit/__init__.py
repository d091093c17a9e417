"""The audit log: a chain of entries that shows any later change, with signed heads."""
