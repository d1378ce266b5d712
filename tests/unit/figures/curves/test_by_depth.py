"""Published test errors against depth."""

import pandas as pd

from explorer.figures import error_by_depth


def test_a_number_stands_at_each_point_that_has_room():
    rows = [("He", f"resnet{depth}", depth, error) for depth, error in ((20, 0.0875), (44, 0.0717), (56, 0.0697))]
    rows.append(("here", "resnet20", 20, 0.168))
    published, here = error_by_depth(pd.DataFrame(rows, columns=["source", "network", "depth", "test_error"])).data
    assert list(published.text) == ["8.75", "", "6.97"]  # 44 and 56 layers are near each other on the axis
    assert list(here.text) == ["16.8"]
    assert published.line.dash != here.line.dash
