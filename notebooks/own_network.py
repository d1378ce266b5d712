# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Your own network
#
# You have a ResNet in PyTorch, written by you or taken from a library. There are two ways to look at it here:
#
# - *Import its weights.* The program builds the same function from its own blocks. Then every study and every page
#   works.
# - *Hand it over as it is.* `response_std`, `gradient_profile`, `residual_ledger`, `attribute`, `evaluate` and
#   `train` take any `nn.Module`, work on a copy or restore its mode, and leave no hooks.

# %%
import os
import tempfile
from itertools import pairwise
from pathlib import Path

import pandas as pd
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

import explorer
from explorer.data.batches import Normalisation

# %% [markdown]
# ## 1. Import weights
#
# **Question.** torchvision's resnet18 names its layers otherwise. How close are the outputs after an import?
#
# **Guess.** Equal, equal to about seven digits, or only roughly equal?
#
# The weights here are random, so that nothing is downloaded; trained ones behave alike. Layers are matched by
# structure, not by name.

# %%
torch.manual_seed(0)
theirs = torchvision.models.resnet18().eval()
ours = explorer.build("resnet18").eval()
explorer.load_foreign_state(ours, theirs.state_dict())
pictures = torch.randn(8, 3, 64, 64)
with torch.inference_mode():
    scores, expected = ours(pictures), theirs(pictures)
print(f"largest score: {expected.abs().max():.2f}; largest difference: {(scores - expected).abs().max():.1e}")

# %% [markdown]
# **What it shows.** The same function, up to the rounding of single precision.
#
# **What it does not show.** That any file fits. One that does not raises an error with the first layers that differ:

# %%
try:
    explorer.load_foreign_state(explorer.build("resnet34"), theirs.state_dict())
except explorer.ExplorerError as error:
    print(error)

# %% [markdown]
# ## 2. Import a file, without knowing the network
#
# **Question.** A colleague sends a file, and nobody remembers which network it is. Can the program tell?
#
# **Guess.** From names and shapes of tensors alone: depth, width, kind of block, number of classes?
#
# The file is read in a process of its own, and nothing in it is executed.

# %%
folder = Path(tempfile.mkdtemp())
os.environ.setdefault("EXPLORER_HOME", str(folder))  # imported checkpoints go there
torch.save(theirs.state_dict(), folder / "from_a_colleague.pth")
imported = explorer.import_checkpoint(folder / "from_a_colleague.pth", overwrite=True)
print(f"{imported.id}: {imported.network}, {imported.classes} classes, {imported.parameters:,} parameters")
for sentence in imported.decisions:
    print("-", sentence)

# %% [markdown]
# **What it shows.** The network, and a list of decisions: what the shapes do not say and the program had to assume.
# `explorer.load_checkpoint(imported.id)` gives the network; pages and commands find it under its name.
#
# **What it does not show.** Whether the assumptions are right. With images at hand the program measures the possible
# networks and compares their errors: see *evaluation*, and `docs/weights.md` for what it knows.

# %% [markdown]
# ## 3. A network of your own, as it is
#
# A small ResNet as one writes it in a course: `F.relu`, and a shortcut that is empty or a 1×1 convolution.


# %%
class Block(nn.Module):
    def __init__(self, before, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1 or before != width:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class CourseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        widths = [16, 16, 16, 32, 32, 64, 64]
        blocks = [Block(before, width, 1 + (before != width)) for before, width in pairwise(widths)]
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        out = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.classifier(out.mean((2, 3)))


torch.manual_seed(0)
mine = CourseNet()

# %% [markdown]
# **Question.** Can the program train it, and say what its layers do?
#
# **Guess.** Does training make the second layer of a block respond more, or less?

# %%
recipe = explorer.Recipe(steps=100, batch_size=64, learning_rate=0.05, schedule="one_cycle", evaluate_images=300)
data = explorer.load_data("digits")
images = Normalisation.of(data)(data.test_pixels[:100])
labels = torch.tensor(data.test_labels[:100])


def responses(step):
    found = explorer.response_std(mine, images, statistics="batch")
    return found.assign(reference=f"mine@{step}", network=f"mine, step {step}", kind="residual", depth=14, step=step)


before = responses(0)
curve = pd.DataFrame(explorer.train(mine, "digits", recipe))  # in place
after = responses(recipe.steps)
mine.eval()
print(f"test error {100 * explorer.evaluate(mine, 'digits')['error']:.1f} % after {recipe.steps} steps")
explorer.figures.training_curves(
    curve.assign(experiment="mine", run="mine", network="mine", kind="residual", depth=14, seed=0)
)

# %%
second = before["name"].str.endswith("conv2")
for found in (before, after):
    mean = found.loc[second, "response_std"].mean()
    print(f"{found['network'].iloc[0]}: the second layers of blocks respond {mean:.3f} on average.")
explorer.figures.response_levels(pd.concat([before, after]))

# %% [markdown]
# **What it shows.** Blocks and layers are found in a foreign network too: a module with two or more convolutions is a
# block, and a new stage begins where one changes resolution or width. Before training every response has a standard
# deviation of one, since batch norm sees to it; what differs afterwards, training has made. On digits, which are
# learned in a few steps, that is little.
#
# **What it does not show.** The zeros after a ReLU: `F.relu` is a function, not a module, and hooks do not see it.
# The table says so with NaN:

# %%
after[["layer", "name", "stage", "block", "response_std", "zeros"]].round(3)

# %% [markdown]
# ## 4. Ledger, gradients, attributions
#
# **Question.** How much does each block add, and which way does the gradient take?
#
# **Guess.** Through the shortcut, through the branch, or half and half?

# %%
ledger = explorer.residual_ledger(mine, images, labels)
keys = {"reference": "mine", "network": "mine", "kind": "residual", "depth": 14, "step": recipe.steps}
explorer.figures.ledger_entries(ledger.assign(**keys))

# %% [markdown]
# torchvision's network, as it is, untrained. Its blocks have no module for the input that they add; the ledger
# measures both ways all the same.

# %%
columns = ["stage", "block", "shortcut", "branch_ratio", "cosine", "shortcut_share"]
explorer.residual_ledger(theirs, pictures, torch.arange(8))[columns].round(2)

# %%
explorer.gradient_profile(mine, images, labels)[["layer", "name", "gradient_norm", "weight_norm"]].round(3).head()

# %% [markdown]
# **Guess.** Which attribution methods can run on a network that uses `F.relu`?

# %%
for method in ("saliency", "integrated_gradients", "occlusion", "grad_cam", "guided_backprop", "deep_lift"):
    try:
        values = explorer.attribute(mine, images[:2], None, method)
        print(f"{method}: runs, {tuple(values.shape)}")
    except explorer.ExplorerError as error:
        print(f"{method}: {error}")

# %% [markdown]
# **What it shows.** Methods that only need gradients or outputs run on any network. Those that change the backward
# pass of each ReLU need ReLU *modules*, one for each use. Captum would run some of them all the same, and the map
# would be wrong without a word. So the program refuses, and says why.
#
# **What it does not show.** What the blocks are worth. `explorer.operated` (delete, swap, weaken blocks) needs a
# network whose blocks the program knows: import the weights.

# %% [markdown]
# ## Exercises
#
# 1. Import the weights of `mine` with `explorer.import_checkpoint`, and run DeepLIFT on the imported network.
#
# <details><summary>Answer</summary>
#
# `torch.save(mine.state_dict(), path)`, then `explorer.import_checkpoint(path, name="mine", data="digits")`, then
# `explorer.attribute(explorer.load_checkpoint("mine"), images, None, "deep_lift")`. Its blocks have one ReLU module
# for each use.
#
# </details>
#
# 2. Write `Block` as a pre-activation block (He et al. 2016). What must its attribute be called, so that the ledger
#    finds the shortcut?
#
# <details><summary>Answer</summary>
#
# `shortcut`, as above; `downsample`, as in torchvision, works too, with None for a shortcut that adds the input as it
# is.
#
# </details>
