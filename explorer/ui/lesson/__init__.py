"""The Lesson page; its texts are in a folder for each language."""
