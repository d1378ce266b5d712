"""What is taken along: a view as link, Python, notebook and command; reports; files for other tools."""

INSTALL = "python -m pip install -r requirements-export.txt"  # what is needed for some of them only
