"""What studies of blocks found, in sentences whose numbers come from the tables; does not import PyTorch."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.block_results import Trajectory
from explorer.numerals import minus, percent

CLEAR = 2  # standard errors; a smaller change of a probe's error is not called one
SHORTER, LONGER = 0.9, 1.1  # mean length of paths by gradient, relative to that by number
FEWEST_FOR_MINIMA = 5  # points a side of a grid, from which local minima are counted
MOST_NAMED = 4  # iterated blocks, beyond which a range is given


def probe_findings(table: pd.DataFrame) -> list[str]:
    """How the errors of probes fall along each network.

    Args:
        table: `tables.PROBES` after `tables.MEASURED_KEYS`.
    """
    found = []
    for name, rows in _networks(table):
        errors, spread = rows["error"].to_numpy(float), rows["standard_error"].to_numpy(float)
        first, last = errors[0], errors[-1]
        ends = f"{percent(first)} after the stem {{}} {percent(last)} at the end"
        if abs(first - last) <= CLEAR * np.hypot(spread[0], spread[-1]):
            found.append(f"{name}: the probes' error does not change clearly, {ends.format('and')}.")
            continue
        half = int(np.argmax((errors - (first + last) / 2) * np.sign(last - first) >= 0))
        blocks = int((rows["block"] > 0).sum())
        change = "falls" if last < first else "rises"
        found.append(
            f"{name}: the probes' error {change} from {ends.format('to')}, half of it by block "
            f"{min(half, blocks)} of {blocks}."
        )
    return found


def probed_image_finding(table: pd.DataFrame, blocks: int) -> str:
    """How deep the correctly classified images of one network are decided, and which mistakes came late.

    Args:
        table: `tables.PROBED_IMAGES` of one network.
        blocks: number of its blocks.
    """
    wrong = table["prediction"] != table["label"]
    settled = table.loc[~wrong, "right_from"].dropna()
    lost = int((wrong & (table["right_points"] > 0)).sum())
    known = ""
    if len(settled):
        half = place(settled.median(), blocks)
        known = f"Half of the correctly classified images are right in all probes from {half} on. "
    return (
        f"{known}Of {int(wrong.sum()):,} misclassified images, out of {len(table):,}, {lost:,} are classified "
        "correctly by a probe on the way."
    )


def place(point: float, blocks: int) -> str:
    """A point of a network in words: 0 for the stem, 1 for the first block, and the end past the last one."""
    if point > blocks:
        return "the end"
    return f"block {point:.0f}" if round(point) else "the stem"


def similarity_findings(table: pd.DataFrame) -> list[str]:
    """Mean similarity of different layers within each network, and between networks.

    Args:
        table: `tables.CKA`.
    """
    own = table.filter(regex="_a$").rename(columns=lambda name: name.removesuffix("_a"))
    names = {rows["reference"].iloc[0]: name for name, rows in _networks(own.drop_duplicates("reference"))}
    pairs = {
        (one, other): table[(table["reference_a"] == one) & (table["reference_b"] == other)]
        for one, other in combinations_with_replacement(names, 2)
    }
    within = [
        f"{rows.loc[rows['point_a'] != rows['point_b'], 'cka'].mean():.2f} within {names[one]}"
        for (one, other), rows in pairs.items()
        if one == other
    ]
    apart = {pair: rows for pair, rows in pairs.items() if pair[0] != pair[1]}
    between = [
        f"{rows['cka'].mean():.2f} between {names[one]} and {names[other]}" for (one, other), rows in apart.items()
    ]
    found = [minus(f"Mean CKA of different layers: {', '.join([*within, *between])}.")]
    for (one, other), rows in apart.items():
        end = rows[rows["point_a"] == rows["point_a"].max()].dropna(subset="cka")
        if len(end):
            best = end.loc[end["cka"].idxmax()]
            found.append(f"Most like the end of {names[one]} in {names[other]}: {_layer(best)}, CKA {best['cka']:.2f}.")
    return found


def _layer(row: pd.Series) -> str:
    if row["name_b"] == "stem":
        return "the stem"
    return f"block {row['stage_b']}.{row['block_b']}" if row["block_b"] else "the end"


def outlier_finding(table: pd.DataFrame) -> str:
    """What moving images did to CKA and to the predictions.

    Args:
        table: `tables.CKA_PITFALL`.
    """
    first, last = table.iloc[0], table.iloc[-1]
    moved = int(last["moved"])
    changed = int(last["changed_predictions"])
    what = "1 image" if moved == 1 else f"{moved} images"
    effect = "no prediction changes" if not changed else f"{changed} predictions change"
    return minus(
        f"{what} moved by {last['distance']:g} times the root mean square distance of the images from their mean: CKA "
        f"goes from {first['cka']:.2f} to {last['cka']:.2f}, the unbiased estimate from {first['unbiased_cka']:.2f} to "
        f"{last['unbiased_cka']:.2f}, and {effect}."
    )


def path_findings(table: pd.DataFrame) -> list[str]:
    """Whether the gradient comes through shorter paths than most are.

    Args:
        table: `tables.PATHS` after `tables.MEASURED_KEYS`.
    """
    found = []
    for name, rows in _networks(table):
        length, paths, share = rows[["length", "paths", "share"]].to_numpy(float).T
        if len(rows) == 1:
            found.append(f"{name} has one path, through all {length[0]:.0f} blocks.")
            continue
        by_number, by_gradient = (length * paths).sum() / paths.sum(), (length * share).sum()
        if not np.isfinite(by_gradient):
            found.append(f"{name}: no gradient reaches the pixels.")
            continue
        ratio = by_gradient / by_number
        which = "short paths" if ratio < SHORTER else "long paths" if ratio > LONGER else "paths of average length"
        found.append(
            f"{name}: {which} carry the gradient, of {by_gradient:.1f} blocks on average, against {by_number:.1f} of "
            "all paths."
        )
    return found


def landscape_findings(table: pd.DataFrame) -> list[str]:
    """The loss at each network and around it, and the number of local minima.

    Args:
        table: `tables.LANDSCAPE` after `tables.MEASURED_KEYS`; all of it planes, or all of it lines.
    """
    found = []
    for name, rows in _networks(table):
        here = rows[(rows["a"] == 0) & (rows["b"] == 0)].iloc[0]
        grid = rows.pivot(index="b", columns="a", values="loss").to_numpy(float)  # noqa: PD010 no value may be lost
        values = grid[np.isfinite(grid)]
        around = np.median(values) if len(values) else np.nan
        lowest = f"{values.min() if len(values) else np.nan:.3g}"
        loss = f"{here['loss']:.3g}"
        text = f"{name}: loss {loss} at the network, median {around:.3g} around it"
        if lowest != loss:
            text += f", lowest {lowest}"
        if grid.shape[1] >= FEWEST_FOR_MINIMA:
            count = local_minima(grid)
            text += f"; {count} local {'minimum' if count == 1 else 'minima'} inside the grid"
        found.append(minus(f"{text}."))
    return found


def local_minima(grid: NDArray[np.float64]) -> int:
    """Points inside a grid, (rows, columns) or (1, columns), that are lower than all of their neighbours."""
    filled = np.where(np.isfinite(grid), grid, np.inf)
    line = len(filled) == 1
    middle = filled[:, 1:-1] if line else filled[1:-1, 1:-1]
    lower = np.isfinite(middle)
    for down in (0,) if line else (-1, 0, 1):
        for across in (-1, 0, 1):
            if down or across:
                near = np.roll(filled, (down, across), (0, 1))
                lower &= middle < (near[:, 1:-1] if line else near[1:-1, 1:-1])
    return int(lower.sum())


def trajectory_finding(found: Trajectory) -> str:
    """The variance that the plane of a training holds, and the loss at its ends."""
    first, last = found.moments.iloc[0], found.moments.iloc[-1]
    return (
        f"{found.network}: this plane holds {percent(sum(found.explained))} of the variance of the weights over "
        f"{len(found.moments)} moments; the loss goes from {first['loss']:.3g} at step {first['step']:,.0f} to "
        f"{last['loss']:.3g} at step {last['step']:,.0f}."
    )


def refinement_findings(table: pd.DataFrame) -> list[str]:
    """How many blocks move the features down the gradient, and nearer to the last output of their stage.

    A block counts as pointing downhill if it does so for three quarters of the images or more.

    Args:
        table: `tables.REFINEMENT` after `tables.MEASURED_KEYS`.
    """
    found = []
    for name, rows in _networks(table):
        known = rows.dropna(subset="cosine")
        down = int((known["cosine_low"] > 0).sum())
        # Without the last block of each stage, whose distance is zero
        steps = [np.diff(stage["distance"].to_numpy(float)[:-1]) for _, stage in rows.groupby("stage")]
        nearer, all_steps = sum(int((each < 0).sum()) for each in steps), sum(map(len, steps))
        parts = []
        if len(known):
            best = known.iloc[int(known["cosine"].argmax())]
            most = f", most in {best['stage']}.{best['block']} (cosine {best['cosine']:.2f})" if down else ""
            parts.append(f"F(x) points downhill in {down} of {len(known)} blocks{most}")
        if all_steps:
            parts.append(f"{nearer} of {all_steps} steps lead nearer to the stage's end")
        found.append(minus(f"{name}: {'; '.join(parts) or 'no stage has blocks to compare'}."))
    return found


def iteration_findings(table: pd.DataFrame) -> list[str]:
    """What a second application of blocks does to the error.

    Args:
        table: `tables.ITERATED` after `tables.MEASURED_KEYS`, with two applications or more.
    """
    found = []
    for name, rows in _networks(table):
        once = float(rows.loc[rows["times"] == 1, "error"].iloc[0])
        twice = rows[rows["times"] == 2]
        if twice.empty:
            found.append(f"{name}: error {percent(once)}.")
            continue
        errors = twice["error"].to_numpy(float)
        if len(twice) <= MOST_NAMED:
            parts = [
                f"{percent(error)} (block {stage}.{block})"
                for stage, block, error in zip(twice["stage"], twice["block"], errors, strict=True)
            ]
            after = ", ".join(parts)
        else:
            after = f"{percent(errors.min())} to {percent(errors.max())}, depending on the block"
        found.append(f"{name}: applied twice, a block takes the error from {percent(once)} to {after}.")
    return found


def _networks(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each network with a name that tells it from the others, plain first, then by depth and step."""
    groups = [rows for _, rows in table.groupby(["reference", "step"], sort=False, dropna=False)]
    groups.sort(key=lambda rows: (rows["kind"].iloc[0] != "plain", *rows[["depth", "network", "step"]].iloc[0]))
    names = Counter(rows["network"].iloc[0] for rows in groups)
    dated = Counter((rows["network"].iloc[0], rows["step"].iloc[0]) for rows in groups)
    for rows in groups:
        first = rows.iloc[0]
        name = str(first["network"])
        if dated[name, first["step"]] > 1:
            name = str(first["reference"])
        elif names[name] > 1:
            name = f"{name} at step {first['step']:,.0f}"
        yield name, rows
