import pytest

from explorer.weights import reader, reading


@pytest.fixture
def read_here(monkeypatch):
    """Weights files are read in this process, without its limits; starting the one that reads them takes seconds."""

    def read(path, size, folder):
        reader.main(path, folder)
        return 0

    monkeypatch.setattr(reader, "limit", lambda size: None)
    monkeypatch.setattr(reading, "_read", read)
