"""One set of several is taken: the named one, or the first that fits, averages and teachers last; and it is said."""

import pytest
import torch

from explorer.errors import BadSettings
from explorer.weights.chosen_set import chosen_set
from explorer.weights.contents import WeightsFile

STATE = {"conv.weight": torch.ones(1)}


def fits(state):
    if "bad.weight" in state:
        raise BadSettings("These weights fit nothing.")


def file(*places, bad=(), **more):
    return WeightsFile(
        {place: STATE | ({"bad.weight": torch.ones(1)} if place in bad else {}) for place in places}, **more
    )


@pytest.mark.parametrize(
    ("places", "taken"),
    [
        (("model_ema", "model"), "model"),
        (("state_dict_ema", "state_dict"), "state_dict"),
        (("ema", "net"), "net"),
        (("swa_model", "model"), "model"),
        (("sd.teacher", "sd.student"), "sd.student"),
        (("encoder_k", "encoder_q"), "encoder_q"),
        (("model_ema", "teacher"), "teacher"),
        (("fold0", "fold1"), "fold0"),
        (("model_ema", "other_ema"), "model_ema"),
    ],
)
def test_the_plain_network_goes_before_averages_and_teachers(places, taken):
    found = chosen_set(file(*places), fits)
    assert found.place == taken
    assert set(found.others) == set(places) - {taken}
    assert f"Taken: '{taken}'" in found.decisions[0]
    assert all(repr(other) in found.decisions[0] for other in found.others)


def test_the_one_that_fits_is_taken_and_an_average_is_called_one():
    found = chosen_set(file("model", "model_ema", bad=["model"]), fits)
    (said,) = found.decisions
    assert said == (
        "The file holds 2 sets of weights. Taken: 'model_ema', an average over training. "
        "Name another with `weights`: 'model'."
    )
    assert chosen_set(file("a", "b", averaged=("a",)), fits).place == "b"


def test_one_set_is_not_worth_a_sentence():
    assert chosen_set(file("model_ema"), fits).decisions == ()


@pytest.mark.parametrize("wanted", ["net.model_ema", "model_ema"])
def test_the_named_one_is_taken_by_its_place_or_its_last_part(wanted):
    assert chosen_set(file("model", "net.model_ema"), fits, wanted).place == "net.model_ema"
    assert chosen_set(file("", "model"), fits, "").place == ""


@pytest.mark.parametrize("wanted", ["emma", "x", ""])
def test_a_name_that_is_not_there_is_told_with_those_that_are(wanted):
    with pytest.raises(BadSettings, match=f"`weights` \\(='{wanted}'\\) is no set .*, which has 'a.x' and 'b.x'."):
        chosen_set(file("a.x", "b.x"), fits, wanted)


def test_a_named_one_that_does_not_fit_is_refused():
    with pytest.raises(BadSettings, match=r"^These weights fit nothing\.$"):
        chosen_set(file("a", "b", bad=["b"]), fits, "b")


def test_where_none_fits_the_first_is_explained_and_the_others_are_named():
    with pytest.raises(BadSettings, match="fit nothing. That is 'b'; 'a.ema' of the same file do not fit either."):
        chosen_set(file("a.ema", "b", bad=["a.ema", "b"]), fits)


def test_tensors_of_no_layer_are_left_out_only_if_that_makes_them_fit():
    state = STATE | {"centers": torch.ones(1), "scalar.alpha": torch.ones(1)}

    def strict(given):
        if "centers" in given:
            raise BadSettings("centers is unexpected")

    found = chosen_set(WeightsFile({"": state}), strict)
    assert list(found.state) == ["conv.weight"]
    assert found.decisions == ("Left out: centers and scalar.alpha (of no layer).",)
    assert chosen_set(WeightsFile({"": state}), fits).state is state


def test_what_was_left_out_is_named_with_the_reason():
    left = {f"loss.{n}": "of a loss" for n in range(9)} | {"queue": "a queue"}
    said = chosen_set(WeightsFile({"": STATE}, left_out=left), fits).decisions
    assert said == (
        "Left out: loss.0, loss.1, loss.2, loss.3, loss.4 and 4 more (of a loss).",
        "Left out: queue (a queue).",
    )
