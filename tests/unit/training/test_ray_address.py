"""An address where no Ray cluster listens is refused at once."""

import socket

import pytest

from explorer.errors import ExplorerError
from explorer.runs.facts import Where
from explorer.training.engines import ray


class Ray:
    """Ray as far as connecting goes."""

    def init(self, **options):
        raise ConnectionError("none is running")


@pytest.mark.parametrize("form", ["{}", "ray://{}", ""])
def test_an_address_without_a_cluster_is_named(monkeypatch, form):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # but does not listen
        address = form.format(f"127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(ray, "required", lambda library: Ray())
        with pytest.raises(ExplorerError) as error:
            ray.RayCluster(Where(engine="ray"), [])
    assert f"No Ray cluster answers at {address or 'this machine'}: " in str(error.value)
    assert ("refused" in str(error.value)) == bool(form)
