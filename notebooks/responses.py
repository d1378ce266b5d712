# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # What do layers and blocks do?
#
# Figure 7 of He et al. 2015 and the residual ledger, on the shipped networks; on CIFAR-10 if it is on this machine, else
# on digits, where the short training has hardly changed the batch norms.

# %%
import explorer
from explorer.analysis.response_claims import response_claims
from explorer.data.catalogue import data_status

data, depths = ("cifar10", (20, 32, 56)) if data_status("cifar10").available else ("digits", (20, 56))
images = 100  # docs/layers.md: 1000
networks = [f"shipped-{data}-{kind}{depth}" for depth in depths for kind in ("plain", "resnet")]

# %% [markdown]
# Standard deviation of every layer's response, after batch norm and before the addition or the ReLU. Means over the
# layers of blocks: the first and the second of each, and both.

# %%
responses = explorer.inspection.response_std(networks, images=images)
layers = responses[responses["block"] > 0].assign(place=responses["name"].str[-5:])
table = layers.pivot_table(index="network", columns="place", values="response_std")
print(table.assign(both=layers.groupby("network")["response_std"].mean()).round(3).to_string())

# %%
print(*(claim.sentence for claim in response_claims(responses)), sep="\n")

# %%
explorer.figures.response_levels(responses)

# %% [markdown]
# What each block adds to its input, and whether the gradient flows back through shortcut or branch; before and after
# training, means over the blocks of a stage.

# %%
moments = [f"{name}@0" for name in networks] + networks
ledger = explorer.inspection.residual_ledger(moments, images=images, statistics="batch")
entries = ["branch_ratio", "cosine", "gamma", "shortcut_share"]
print(ledger.groupby(["network", "step", "stage"])[entries].mean().round(2).to_string())

# %%
explorer.figures.ledger_entries(ledger[ledger["step"] > 0])

# %% [markdown]
# The gradient norms of the first and the last convolution's weights, before and after training.

# %%
gradients = explorer.inspection.gradient_profile(moments, images=images)
convolutions = gradients[gradients["layer"] < gradients["depth"]].groupby(["network", "step"])["gradient_norm"]
print(convolutions.agg(["first", "last"]).round(3).to_string())

# %% [markdown]
# Untrained networks: with and without batch norm, and how long gradients stay similar along a line.

# %%
names = ["plain20", "resnet20", "plain56", "resnet56"]
untrained = explorer.inspection.xray(names)
stems = untrained[untrained["layer"] == 1]
print(stems.pivot_table(index="network", columns="variant", values="gradient_norm", sort=False).to_string())

# %%
shattering = explorer.inspection.gradient_autocorrelation(names)
next_point = shattering[shattering["distance"].between(0.01, 0.02)]
print(next_point[["network", "autocorrelation"]].round(2).to_string(index=False))
