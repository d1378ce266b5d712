"""The Home page: the demo, the machine, the latest experiments."""
