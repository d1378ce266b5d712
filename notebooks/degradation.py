# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Does depth hurt?
#
# The degradation lab without the app, on the shipped networks: no training, no download.

# %%
import tempfile
from pathlib import Path

import explorer

# %% [markdown]
# The verdict compares training errors at the end of the schedule, seed by seed.

# %%
report = explorer.degradation.verdict("shipped-digits")
print(report.finding)
print(report.degradation.headline, *report.degradation.sentences, sep="\n- ")
print(report.shortcut.headline, *report.shortcut.sentences, sep="\n- ")

# %%
report.gaps[["network", "against", "seeds", "gap", "low", "high", "outcome"]]

# %% [markdown]
# The curves behind it.

# %%
experiments = explorer.experiments().set_index("id")
runs = report.ends["run"].tolist()
explorer.figures.race(explorer.metrics(runs), smoothing=40, steps=int(experiments.loc["shipped-digits", "steps"]))

# %% [markdown]
# A plain56 as good as plain20 exists: insert identity layers (He et al. 2015, section 1).

# %%
with tempfile.TemporaryDirectory() as folder:
    made = explorer.construct.identity("shipped-digits-plain20", 56, to=Path(folder) / "plain56.safetensors")
print(f"training error {made.source_train_error:.1%} before, {made.train_error:.1%} after")
print(f"largest difference of any output: {made.largest_difference:.1e}")
