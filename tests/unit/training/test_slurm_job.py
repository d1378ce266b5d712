"""What a job of a SLURM cluster does while its run trains."""

import pytest

from explorer.training.engines import slurm


class Worker:
    """A worker that trains until its input ends."""

    stdin = None

    def __init__(self):
        self.stdin, self.closed = self, False

    def poll(self):
        return 0 if self.closed else None

    def close(self):
        self.closed = True


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Runs a job whose clock moves by 100 seconds at each look; gives how often it looked."""

    def run(*signs):
        worker, signs, looks = Worker(), list(signs), []
        place = tmp_path / "run"
        place.mkdir()

        def sleep(seconds):
            looks.append(seconds)
            if len(looks) <= len(signs):
                (place / "tether").write_text(signs[len(looks) - 1])

        monkeypatch.setattr(slurm, "start_worker", lambda *arguments: worker)
        monkeypatch.setattr(slurm, "sleep", sleep)
        monkeypatch.setattr(slurm.time, "monotonic", lambda: 100.0 * len(looks))
        slurm.train(str(place), "e1", "")
        return len(looks)

    return run


def test_a_job_whose_coordinator_is_gone_pauses_its_run_and_ends(job):
    assert job("1") == 1 + slurm.TETHER_SECONDS / 100 + 1


def test_a_job_goes_on_while_its_coordinator_gives_signs(job):
    assert job(*map(str, range(20))) == 20 + slurm.TETHER_SECONDS / 100 + 1
