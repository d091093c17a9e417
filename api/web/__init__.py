"""HTTP: the server, the API and the operator's page."""
