"""What prepares the first pictures asks what pages ask, about networks with and without training."""

import pytest

from explorer.studies import preparation


@pytest.mark.parametrize("function", [preparation.evaluate, preparation.respond, preparation.explain])
def test_each_answers(function, make_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    for reference in ("plain8", make_weights()):
        assert function(reference, "digits") is None
