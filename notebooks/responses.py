# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # What do layers do?
#
# Figure 7 of He et al. 2015, the residual ledger, and gradients before training: ways to look at the layers of a
# network, plain and residual ones side by side.
#
# The networks come with the program, trained on CIFAR-10. CIFAR-10 itself is not needed: crops of two photographs
# stand in for its images. `docs/layers.md` has the same measures on 1,000 of its test images.

# %%
import pandas as pd

import explorer
from explorer.analysis.layer_findings import ledger_finding
from explorer.analysis.response_claims import response_claims
from explorer.studies.references import resolved
from explorer.tables import MEASURED_KEYS

networks = [f"shipped-cifar10-{kind}{depth}" for depth in (20, 56) for kind in ("plain", "resnet")]
images = 100

# %% [markdown]
# ## 1. How much does a layer respond?
#
# A *response* is the output of a layer after its batch norm, before the shortcut is added or a ReLU applied. Its
# standard deviation over images, channels and positions says how much the layer changes with what it sees.
#
# **Question.** In a residual network a block only adds to its input. Do its layers respond less than those of a plain
# network?
#
# **Guess.** Which line will be lowest: plain20, plain56, resnet20 or resnet56?

# %%
found = []
for each in resolved(networks):
    keys = dict(zip(MEASURED_KEYS, each.keys, strict=True))
    found.append(explorer.response_std(each.network, each.photographs(images)).assign(**keys))
responses = pd.concat(found)
explorer.figures.response_levels(responses)

# %%
print(*(claim.sentence for claim in response_claims(responses)), sep="\n")

# %%
layers = responses[responses["block"] > 0].assign(place=lambda table: table["name"].str[-5:])
means = layers.pivot_table(index="network", columns="place", values="response_std")
for name, row in means.iterrows():
    print(f"{name}: the second layer of a block responds {row['conv2'] / row['conv1']:.2f} times as much as the first.")

# %% [markdown]
# **What it shows.** The claims of figure 7, checked one by one. The second layer of a block is the one whose response
# is added in a residual network. Where it responds less, a block changes its input by less.
#
# **What it does not show.** Photographs are not CIFAR-10, and one network of each kind is one network. A difference
# below 2 % is called "no clear difference".

# %% [markdown]
# ## 2. What does a block add?
#
# The *residual ledger*: the size of F(x) relative to its shortcut, the direction of both (cosine), and the part of
# the gradient that comes back through the shortcut.
#
# **Question.** Do the blocks of a deeper network each add more, or less?
#
# **Guess.** And is F(x) rather along x, against it, or at a right angle to it?
#
# On digits, whose labels are at hand: the loss and its gradient need them.

# %%
residual = ["shipped-digits-resnet20", "shipped-digits-resnet56"]
moments = [f"{name}@0" for name in residual] + residual
ledger = explorer.inspection.residual_ledger(moments, images=images, statistics="batch")
print(ledger_finding(ledger[ledger["step"] > 0]))
explorer.figures.ledger_entries(ledger[ledger["step"] > 0])

# %%
entries = ["branch_ratio", "cosine", "gamma", "shortcut_share"]
ledger.groupby(["network", "step", "stage"])[entries].mean().round(2)

# %% [markdown]
# **What it shows.** Step 0 is before training: there the ledger is a matter of initial weights alone. Compare the two
# steps to see what training did. Within a stage the ratio falls from block to block, since x has grown by what the
# blocks before have added.
#
# **What it does not show.** How *useful* a block is. A small F(x) can matter much: the notebook *blocks* deletes
# them. And 400 steps on digits have hardly moved gamma, the scale of the last batch norm; `docs/layers.md` has
# networks trained for longer.

# %% [markdown]
# ## 3. Before training: with and without batch norm
#
# **Question.** Would gradients vanish without batch norm?
#
# **Guess.** In which of plain20, plain56, resnet20 and resnet56 does the gradient at the first layer become tiny or
# huge?

# %%
names = ["plain20", "resnet20", "plain56", "resnet56"]
untrained = explorer.inspection.xray(names, images=32)
explorer.figures.xray(untrained, measure="gradient_norm")

# %%
stems = untrained[untrained["layer"] == 1]
table = stems.pivot_table(index="network", columns="variant", values="gradient_norm", sort=False)
for name, change in (table["no batch norm"] / table["batch norm"]).items():
    print(f"{name}: without batch norm the gradient at the first layer is {change:.1g} times as large.")
table.map("{:.2g}".format)

# %% [markdown]
# **What it shows.** A factor far below one: the gradient vanishes, since each layer makes it smaller. Far above one:
# it explodes, since each block adds to a sum that nothing holds back. Batch norm keeps plain *and* residual networks
# away from both. In the panel on the right the last batch norm of each block is zero: a residual network begins as
# its shortcuts alone, and a plain one passes nothing on, so that it has no gradient to draw.
#
# **What it does not show.** Whether such a network trains. Large or small gradients can be helped by a learning rate.

# %% [markdown]
# ## 4. Shattered gradients
#
# **Question.** Go from one image to another in small steps. For how long does the gradient at the input stay similar?
#
# **Guess.** Does depth shorten that, and do shortcuts help?

# %%
shattering = explorer.inspection.gradient_autocorrelation(names)
explorer.figures.gradient_autocorrelation(shattering)

# %%
near = shattering[shattering["distance"].between(0.01, 0.02)].set_index("network")["autocorrelation"]
for kind in ("plain", "resnet"):
    print(f"From {kind}20 to {kind}56 it changes from {near[f'{kind}20']:.2f} to {near[f'{kind}56']:.2f}.")

# %% [markdown]
# **What it shows.** The measure of Balduzzi et al. 2017: near 1, a step of gradient descent can rely on the gradient;
# at 0 it is like noise. Compare what depth costs each kind of network.
#
# **What it does not show.** That this *causes* degradation. Both go together, in untrained networks of one kind.

# %% [markdown]
# ## Exercises
#
# 1. Repeat part 1 with `networks = ["resnet20", "resnet56"]`, untrained. What is left of figure 7?
#
# <details><summary>Answer</summary>
#
# Nothing: the running statistics of an untrained batch norm do not fit its input yet, so that the numbers mean
# little. With `statistics="batch"` every response after a batch norm has a standard deviation of one. What figure 7
# shows, training has made.
#
# </details>
#
# 2. Why is the ledger's `shortcut_share` in a plain network always zero?
#
# <details><summary>Answer</summary>
#
# Nothing goes around the block: all of the gradient passes through F. The ledger still compares F(x) with x, so that
# twins can be put side by side.
#
# </details>
