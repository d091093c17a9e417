"""The command line: what can be typed. One file a command or group, with options only.

A new command is one file here, with `add_to(app)`, and one in `api.commands`, which does the work and prints.
`main.MODULES` has the order of `--help`; a test finds a file that is missing there. Every command that loads its
settings with `context.settings_of` is written to the audit log, unless `api.commands.audit_trail.UNRECORDED` names it.
Options that several commands have are declared once, in `options`. Imports of anything heavy stand inside the commands,
so that `xunren --help` answers at once.
"""
