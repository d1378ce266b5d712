"""Delete each block of the shipped networks in turn, and write the errors beside the weights.

    python -m checkpoints.lesions     (make zoo-lesions)

To be run whenever networks have been packed: `explorer.studies.shipped_lesions` leaves out those with other weights.
"""

import argparse

import pandas as pd

from explorer.cli.output import message
from explorer.cli.progress_bar import progress_bar
from explorer.runs.experiments import list_experiments
from explorer.studies.blocks import lesion
from explorer.studies.shipped_lesions import FILE, write_lesions


def shipped() -> list[str]:
    """The shipped networks with weights."""
    runs = [run for each in list_experiments() if each.state == "shipped" for run in each.runs]
    return [run.id for run in runs if run.facts is not None and run.facts.checkpoint_sha256]


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", type=int, default=2000, help="test images, or all if there are fewer")
    images = arguments.parse_args().images
    found = []
    with progress_bar("Images"):
        for reference in shipped():
            found.append(lesion([reference], images=images))
            message(f"{reference}: {found[-1]['images'].iloc[0]:,} images")
    write_lesions(pd.concat(found, ignore_index=True))
    message(f"written: {FILE}")


if __name__ == "__main__":
    main()
