"""The same things from a shell: `python -m explorer COMMAND`, each with --json and --help."""
