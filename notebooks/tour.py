# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A tour in ten minutes
#
# Build two networks, train them, look at their curves, their layers, and at what they look at. Nothing is downloaded:
# the images are the handwritten digits that come with scikit-learn, 8×8 pixels. A laptop without a GPU is enough.
#
# Each part has a question, a *guess* for you to make before you read on, a figure, what it shows, and what it does
# not show. `make lab` opens this notebook so that you can run it and change it.

# %%
import pandas as pd

import explorer
from explorer.analysis.layer_findings import gradient_finding
from explorer.data.batches import Normalisation
from explorer.studies.map_files import map_cells

# %% [markdown]
# ## 1. Build
#
# **Question.** A plain network is a row of layers. A residual network has the same layers, and shortcuts around each
# pair of them. How much larger does that make it?
#
# **Guess.** No larger, a few per cent, or twice as large?

# %%
table = explorer.networks().set_index("name")
table.loc[["plain20", "resnet20", "plain56", "resnet56"], ["depth", "parameters", "multiply_adds", "published_error"]]

# %%
network = explorer.build("resnet20", channels=1)  # grey images
network.stages[1][0]  # the first block of the second stage

# %% [markdown]
# **What it shows.** The same number of parameters and of multiplications: these shortcuts have no weights. Where a
# stage halves the image, they skip every second position and fill the new channels with zeros.
#
# **What it does not show.** What shortcuts are good for. Equal size does not mean equal training.
#
# Any other network of the literature is built by its name: `explorer.networks()` lists them, `docs/networks.md`
# explains the names.

# %% [markdown]
# ## 2. Train
#
# **Question.** plain32 and resnet32 see the same images in the same order, with the same learning rate, for 60 steps.
# Which one learns faster?
#
# **Guess.** plain32, resnet32, or no difference?
#
# `explorer.train` makes a training, a step at a time; `explorer.watch` advances both in turn and shows their curves
# while they grow. The stop button ends between two steps, and the cell says how to go on.

# %%
recipe = explorer.Recipe(steps=60, batch_size=64, learning_rate=0.03, schedule="constant", evaluate_images=300)
trainings = [explorer.train(name, "digits", recipe) for name in ("plain32", "resnet32")]
watched = explorer.watch(trainings)

# %%
plain, residual = (each.network.eval() for each in trainings)
curves = watched.table  # a line for each step and network

ends = curves[curves["step"] == recipe.steps].set_index("network")[["train_error", "test_error"]]
faster = ends["train_error"].idxmin()
print(f"After {recipe.steps} steps {faster} has the lower training error.")
ends.round(3)

# %% [markdown]
# **What it shows.** The same layers, images and order: the shortcuts alone make the difference. It is a difference in
# *training* error, so it is not overfitting.
#
# **What it does not show.** One seed and 60 steps show an order, not its size. With other seeds both numbers change.
# A longer training may close the gap, or not: the notebook *degradation* asks that question properly.

# %% [markdown]
# ## 3. Look at the layers
#
# **Question.** A popular explanation is that the gradient of a deep plain network vanishes on its way back to the
# first layer. Was that the reason?
#
# **Guess.** In plain32, is the gradient of the first layer much smaller than that of the last one, about the same, or
# larger?

# %%
data = explorer.load_data("digits")
images = Normalisation.of(data)(data.train_pixels[:200])
labels = images.new_tensor(data.train_labels[:200].copy()).long()


def gradients_of(name):
    """Of the network before its training, with the columns that figures want."""
    untrained = explorer.build(name, channels=1)
    found = explorer.gradient_profile(untrained, images, labels)
    return found.assign(reference=name, network=name, kind=untrained.config.kind, depth=untrained.config.depth, step=0)


gradients = pd.concat([gradients_of("plain32"), gradients_of("resnet32")])
print(gradient_finding(gradients))
explorer.figures.gradient_norms(gradients)

# %% [markdown]
# **What it shows.** No layer is left without a gradient, neither with nor without shortcuts: batch norm sees to that.
# So vanishing gradients do not explain the race above.
#
# **What it does not show.** Whether the gradient points somewhere useful. A norm is a length, not a direction.
#
# `explorer.response_std` and `explorer.residual_ledger` look at the layers in the same way: the notebook *responses*.

# %% [markdown]
# ## 4. Where do they look?
#
# **Question.** Which pixels of a digit speak for the answer of a network?
#
# **Guess.** The strokes, the holes, or the edge of the image?
#
# The maps are of networks that come with the program, trained for 400 steps.

# %%
methods = ["saliency", "integrated_gradients", "grad_cam"]
networks = ["shipped-digits-plain20", "shipped-digits-resnet20"]
maps = [
    explorer.attribution_maps.attribution_map(name, "test:3", explorer.attribution_maps.Question(method))
    for name in networks
    for method in methods
]
explorer.figures.attribution_grid(map_cells(maps, "network", "method"), width=900)

# %% [markdown]
# **What it shows.** Three methods, three different maps of one network: each asks another question. *Saliency*: where
# would a small change matter? *Integrated gradients*: how do the pixels add up to the score? *Grad-CAM*: which places
# of the last stage speak for the class? It is coarse, since that stage has only 2×2 places here.
#
# **What it does not show.** Whether a map can be trusted. The notebook *attributions* tests that.

# %% [markdown]
# ## Try it
#
# 1. Train `resnet56` with the same recipe: add `trained("resnet56")` to the curves. Does depth hurt a residual
#    network?
#
# <details><summary>Answer</summary>
#
# It starts about as well as resnet32, and takes twice the time for each step. `trained("plain56")` beside it shows
# the contrast: after 60 steps it is hardly better than guessing.
#
# </details>
#
# 2. Train plain32 for 200 steps (`explorer.Recipe(steps=200, ...)`). Was the difference one of speed, or does it
#    stay?
#
# <details><summary>Answer</summary>
#
# The gap becomes much smaller: on the digits, plain32 is mostly slower. On harder images, and for deeper plain
# networks, the gap stays to the end of the schedule. The notebook *degradation* has the numbers.
#
# </details>
#
# **Where to go on.** *degradation*: does depth hurt, and why? *responses*, *blocks*: what layers and blocks do.
# *attributions*: maps and their checks. *own_network*: a network of yours. *evaluation*: errors of imported weights.
