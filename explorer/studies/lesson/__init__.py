"""The lesson *Deep residual learning in ten pictures*: texts, measured runs, steps, and the whole as one file."""
