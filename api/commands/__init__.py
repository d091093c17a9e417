"""The work and output of the commands: one file a command or group, named as in `api.cli`.

A new command is one file here and one in `api.cli`. Whatever needs the rows of the index goes through
`backend.backend_of(settings)`: the running server answers, else this process. `--json` prints the data that the
HTTP API answers, and tables are printed from the same data.
"""
