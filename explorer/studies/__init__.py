"""Networks by reference (run, RUN@STEP, checkpoint, name, file): what they do, as results; one subject a file."""
