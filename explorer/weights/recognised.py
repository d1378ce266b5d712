"""What was recognised of weights that are of no known network, in the order of use."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from explorer.weights.layers import Part, Parts

MOST_LISTED = 6  # groups of layers
KNOWN = ((3, 3), (1, 3, 1), (1, 3), (3,))  # kernels of blocks


def recognised(parts: Parts) -> str:
    """A sentence on stem and blocks up to the first that does not fit those before it."""
    stem, *body = parts.convolutions
    blocks = [list(inside) for _, inside in groupby(body, key=lambda part: part.parent)]
    fitting = list(_fitting(blocks))
    texts = [f"a stem {stem.name} of {_layer(stem)}", *_runs(fitting)]
    more = len(texts) - MOST_LISTED
    listed = "; ".join(texts[:MOST_LISTED]) + (f"; and {more} more groups" if more > 0 else "")
    odd = blocks[len(fitting) : len(fitting) + 1]
    end = f" The first that does not fit is {_name(odd[0])} of {_layers(odd[0])}." if odd else ""
    ends = [*parts.hidden, parts.classifier]
    head = " → ".join(str(each) for each in (ends[0].shape[1], *(each.width for each in ends)))
    return f"Recognised were {listed}; and a classifier {head}.{end}"


def _fitting(blocks: Sequence[list[Part]]) -> Iterator[list[Part]]:
    """The blocks with the kernels of the first, each with the input that the one before gives."""
    kernels = tuple(part.kernel for part in blocks[0]) if blocks else ()
    if kernels not in KNOWN:
        return
    for block in blocks:
        if tuple(part.kernel for part in block) != kernels:
            return
        yield block


def _runs(blocks: Sequence[list[Part]]) -> Iterator[str]:
    """Blocks of equal widths as one."""
    for _, run in groupby(blocks, key=lambda block: [part.width for part in block]):
        first, *others = run
        times = f"{_name(first)} to {_name(others[-1])}, {len(others) + 1} blocks" if others else _name(first)
        yield f"{times} of {_layers(first)}"


def _name(block: Sequence[Part]) -> str:
    return (block[0].parent if len(block) > 1 else block[0].name) or block[0].name


def _layers(block: Sequence[Part]) -> str:
    first = ", ".join(_layer(part) for part in block[:4])
    return f"{first} and {len(block) - 4} more" if len(block) > 4 else first


def _layer(part: Part) -> str:
    height, width = part.shape[-2:]
    return f"{height}×{width} ({part.shape[1]} → {part.width})"
