"""The doors: command line, HTTP and the operator page. The only floor that composes the other two."""
