"""Colours stay apart for every eye, and readable on the page."""

import itertools
from typing import get_args

import numpy as np
import pytest

from explorer.figures import theme
from explorer.models.config import Kind

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    """Source: Ottosson 2020, "A perceptual color space for image processing"."""
    cones = np.cbrt(
        np.clip(rgb, 0, None)
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        cones
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def contrast(colour, other):
    """WCAG 2.2, relative luminance."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (colour, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
class TestPalette:
    @pytest.mark.parametrize("deficiency", DEFICIENCIES)
    def test_usual_depths_stay_apart_for_every_eye(self, palette, deficiency):
        eye = np.array(DEFICIENCIES[deficiency]).T
        seen = {depth: oklab(linear(palette.depth(depth)) @ eye) for depth in theme.USUAL_DEPTHS}
        for a, b in itertools.combinations(seen, 2):
            least = 0.09 if {a, b} <= {20, 32, 44, 56} else 0.045
            assert np.linalg.norm(seen[a] - seen[b]) > least, f"{a} and {b}"

    def test_lines_and_letters_stand_out_from_the_page(self, palette):
        for colour in (*palette.depths, *palette.others):
            assert contrast(colour, palette.page) >= 2.9, colour
        assert contrast(palette.ink, palette.page) >= 7
        assert contrast(palette.muted, palette.page) >= 4.5

    def test_other_depths_have_a_colour_that_stays(self, palette):
        assert palette.depth(38) == palette.depth(38)
        assert palette.depth(38) in palette.others
        assert palette.depth(38) != palette.depth(26)


def test_every_light_colour_has_one_dark_counterpart():
    assert theme.light_to_dark()[theme.LIGHT.depth(20)] == theme.DARK.depth(20)
    assert len(theme.light_to_dark()) == len(theme.LIGHT.colours) == len(set(theme.LIGHT.colours))


def test_recolouring_twice_changes_nothing():
    assert not set(theme.LIGHT.colours) & set(theme.DARK.colours)


def test_kinds_differ_by_dash_and_marker():
    assert set(theme.DASHES) == set(theme.MARKERS) == set(get_args(Kind))
    assert len(set(theme.DASHES.values())) == len(theme.DASHES)
    assert len({each for markers in theme.MARKERS.values() for each in markers}) == 12


def test_further_networks_of_one_kind_and_depth_have_colours_of_their_own():
    there = [
        ("residual", 20, "seresnet20"), ("residual", 20, "resnet20"), ("residual", 20, "resnet20-fixup"),
        ("plain", 20, "plain20"), ("residual", 56, "resnet56"), ("residual", 20, "resnet20"),
    ]  # fmt: skip
    numbers = theme.variants(there)
    assert numbers == {"resnet20": 0, "seresnet20": 1, "resnet20-fixup": 2, "plain20": 0, "resnet56": 0}
    for colours in (theme.LIGHT, theme.DARK):
        drawn = {colours.network(depth, numbers[name]) for _, depth, name in there if name != "plain20"}
        assert len(drawn) == 4
        assert colours.network(20, 0) == colours.depth(20)


def test_dashes_are_explained_where_they_tell_something():
    assert theme.dash_words(["residual", "residual"]) == ""
    assert theme.dash_words(["residual", "dense", "plain"]) == "dashed: plain, solid: residual, dash-dotted: dense"


@pytest.mark.parametrize("depth", [20, 50, 164])
def test_a_second_network_of_a_depth_has_another_colour(depth):
    assert len({theme.LIGHT.network(depth, variant) for variant in range(4)}) == 4


@pytest.mark.parametrize("dark", [False, True])
def test_letters_have_their_page_behind_them(dark):
    colours = theme.palette(dark=dark)
    drawn = theme.layout(colours, height=100)
    assert (drawn["paper_bgcolor"], drawn["font"]["color"]) == (colours.page, colours.ink)
