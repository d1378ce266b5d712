"""The command line: `python -m explorer COMMAND`, each command with --json and --help."""
