"""Middleware: security headers and limits, authentication, the audit log."""
