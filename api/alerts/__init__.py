"""Alerts: saved searches that compare new rows, their alerts and webhooks."""
