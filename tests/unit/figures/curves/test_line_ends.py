"""Labels at line ends."""

from explorer.figures.curves.line_ends import End, end_labels


def test_a_mean_of_zeros_that_rounds_below_zero_keeps_its_label_inside_the_axis():
    ends = [End(name, name, 10.0, value, "#000000", name) for name, value in {"a": -5e-15, "b": 0.0, "c": 40.0}.items()]
    heights = {label["uid"]: label["y"][0] for label in end_labels(ends, (0.0, 100.0))}
    assert min(heights.values()) == 0.0


def test_labels_moved_apart_stay_inside_the_axis():
    """Seven labels from 33.6 down to 0 in steps of 5.6: the lowest would be below by a rounding error."""
    ends = [End(f"{place}", "", 10.0, value, "#000000", "") for place, value in enumerate([0.0] * 7 + [39.3])]
    assert min(label["y"][0] for label in end_labels(ends, (0.0, 100.0))) == 0.0
