"""Commands: what each command of the command line does and prints, one module a command."""
