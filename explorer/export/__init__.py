"""What is taken along: a view as link, Python, notebook and command; reports; files for other tools."""
