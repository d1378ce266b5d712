import numpy as np
import pandas as pd
import pytest

from explorer.figures import MapCell
from explorer.models.catalogue import network_config


@pytest.fixture
def metrics():
    """Makes a table of metrics: each batch error is 0.9 at first and falls; evaluations every tenth step."""

    def table(networks=("plain20", "plain56", "resnet20", "resnet56"), seeds=(0,), experiments=("e",), steps=100):
        parts = []
        for experiment in experiments:
            for network in networks:
                for seed in seeds:
                    step = np.arange(steps + 1)
                    error = 0.9 * np.exp(-step / (20 + seed))
                    evaluated = step % 10 == 0
                    parts.append(
                        pd.DataFrame(
                            {
                                "experiment": experiment,
                                "run": f"{experiment}-{network}-s{seed}",
                                "network": network,
                                "kind": network_config(network).kind,
                                "depth": network_config(network).depth,
                                "seed": seed,
                                "step": step,
                                "loss": np.where(step > 0, 2 * error, np.nan),
                                "batch_error": np.where(step > 0, error, np.nan),
                                "learning_rate": 0.1,
                                "seconds": step * 0.5,
                                "train_error": np.where(evaluated, error, np.nan),
                                "test_error": np.where(evaluated, error + 0.05, np.nan),
                                "images_per_second": np.where(evaluated, 500.0, np.nan),
                            }
                        )
                    )
        return pd.concat(parts, ignore_index=True)

    return table


@pytest.fixture
def layers():
    """Makes the layers of CIFAR networks at several steps, in front of a measurement: keys and LAYER_KEYS."""

    def table(networks=("plain20", "resnet20", "plain56"), steps=(0, 400)):
        parts = []
        for network in networks:
            depth = int(network.removeprefix("plain").removeprefix("resnet"))
            inner = depth - 2
            stage = np.concatenate([[0], np.repeat([1, 2, 3], inner // 3), [4]])
            block = np.concatenate([[0], np.tile(np.repeat(np.arange(inner // 6) + 1, 2), 3), [0]])
            keys = {"layer": np.arange(depth) + 1, "name": [f"l{i + 1}" for i in range(depth)], "stage": stage}
            kind = "plain" if network.startswith("plain") else "residual"
            for step in steps:
                run = {"reference": f"run-{network}@{step}", "network": network, "kind": kind, "depth": depth}
                parts.append(pd.DataFrame(run | {"step": step} | keys | {"block": block}))
        return pd.concat(parts, ignore_index=True)

    return table


@pytest.fixture
def map_cell():
    """Makes a cell of an attribution grid: a grey picture of 4x4 pixels, and a map that rises from `low` to `high`."""

    def made(row="resnet20", column="saliency", *, low=0.0, high=1.0, side=4, **facts):
        usual = {"signed": low < 0, "prediction": "cat", "probability": 0.97, "target": "cat"}
        usual |= {"target_probability": 0.97, "right": True, "pixels": np.full((4, 4, 3), 128, np.uint8)}
        usual |= {"map": np.linspace(low, high, side * side, dtype=np.float32).reshape(side, side)}
        return MapCell(row, column, **usual | facts)

    return made
