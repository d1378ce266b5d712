# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Train a plain and a residual network, compare their curves
#
# The library without the app. Open this file as a notebook with jupytext, or run it as a script. It trains on the
# built-in digits, needs no internet and takes half a minute on a laptop.

# %%
import pandas as pd

import explorer

# %% [markdown]
# The catalogue; any other depth 6n+2 works too, such as `resnet38`.

# %%
explorer.networks()[["name", "depth", "parameters", "multiply_adds", "published_error"]]

# %% [markdown]
# `train` yields one record per step, so a DataFrame of them is one line.

# %%
recipe = explorer.Recipe(steps=60, batch_size=64, learning_rate=0.03, schedule="constant", evaluate_images=300)
curves = {name: pd.DataFrame(explorer.train(name, "digits", recipe)) for name in ("plain32", "resnet32")}

# %%
pd.DataFrame({name: table.iloc[-1][["train_error", "test_error"]] for name, table in curves.items()}).T

# %% [markdown]
# The same figure as in the app.

# %%
table = pd.concat(
    [
        table.assign(
            experiment="notebook",
            run=name,
            network=name,
            kind="plain" if name.startswith("plain") else "residual",
            depth=32,
            seed=0,
        )
        for name, table in curves.items()
    ]
)
explorer.figures.training_curves(table)
