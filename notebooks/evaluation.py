# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Evaluate trained and imported networks
#
# An error is one number. Here is what stands behind it: its uncertainty, calibration, confusions, and what several
# networks get wrong together. On the test images of the digits, which are built in.

# %%
import os
import tempfile
from pathlib import Path

import pandas as pd
import torch

import explorer

networks = [f"shipped-digits-{kind}{depth}" for depth in (20, 56) for kind in ("plain", "resnet")]

# %% [markdown]
# ## 1. Weights of unknown origin
#
# **Question.** You are given a file of weights, without a word on the network, its data or the normalisation of its
# images. What error does it have?
#
# **Guess.** What could go wrong, so that a good network has a bad error?
#
# The file is made here from a shipped network: only tensors, under the names of another project.

# %%
folder = Path(tempfile.mkdtemp())
os.environ.setdefault("EXPLORER_HOME", str(folder))  # imported checkpoints go there
state = explorer.load_checkpoint("shipped-digits-resnet20").state_dict()
foreign = {f"module.{name}".replace("stages.", "layer").replace("norm", "bn"): each for name, each in state.items()}
torch.save({"state_dict": foreign, "epoch": 12}, folder / "found.pth")

imported = explorer.import_checkpoint(folder / "found.pth", overwrite=True)
print(f"{imported.id}: {imported.network} on {imported.data}, {imported.parameters:,} parameters")
print(f"error {100 * imported.sample_error:.1f} % on a sample of test images")
for sentence in (*imported.decisions, *imported.warnings):
    print("-", sentence)

# %% [markdown]
# **What it shows.** Every decision that the file left open, with its reason. Where weights fit several networks or
# normalisations, each is measured on images of the data set, and the best one is taken.
#
# **What it does not show.** Where the weights come from. An error that is much lower than published ones can also
# mean that test images were trained on.

# %% [markdown]
# ## 2. Errors, with their uncertainty
#
# **Question.** The imported network and four shipped ones: which is best?
#
# **Guess.** How many test images apart must two networks be before you believe it? There are 360.

# %%
found = explorer.evaluations.evaluations([imported.id, *networks])
columns = ["reference", "images", "error", "standard_error", "loss", "ece"]
table = explorer.evaluations.evaluation_table(found)[columns]
best = table.loc[table["error"].idxmin()]
two_errors = 2 * (table["standard_error"] ** 2 + best["standard_error"] ** 2) ** 0.5
others = table[table["error"] - best["error"] < two_errors]
print(f"{best['reference']} has the lowest error. Within two standard errors of it: {', '.join(others['reference'])}.")
table.round(3)

# %% [markdown]
# **What it shows.** Compare *found* with shipped-digits-resnet20, from which it was made. The standard error is that
# of sampling test images: other test images would give another number.
#
# **What it does not show.** The luck of the training: another seed gives another network. `docs/calibration.md` and
# the notebook *degradation* compare seeds.

# %% [markdown]
# ## 3. Does a network know when it is wrong?
#
# **Question.** Of the answers that are given with 90 % confidence, how many are right?
#
# **Guess.** Above or below 90 %? Is the one with the largest error also the least calibrated?

# %%
worst = max(found, key=lambda each: each.error)
good = min(found, key=lambda each: each.error)
keys = ["reference", "network", "kind", "depth", "step"]
calibration = pd.concat(
    [each.calibration.assign(**{key: getattr(each, key) for key in keys}) for each in (worst, good)]
)
for each in (worst, good):
    confidence = each.predictions["probability"].mean()
    verdict = "overconfident" if confidence > 1 - each.error else "underconfident"
    print(f"{each.network}: mean confidence {100 * confidence:.1f} %, right {100 - 100 * each.error:.1f} %: {verdict}.")
explorer.figures.reliability_diagram(calibration)

# %% [markdown]
# **What it shows.** On the dotted line a network is calibrated. Below it, it is overconfident. *ece* in the table
# above is the mean distance from the line.
#
# **What it does not show.** Much where a dot is small: dots of fewer than ten images are left out, and those of
# twenty have wide errors.

# %% [markdown]
# ## 4. What is confused with what?
#
# **Guess.** Which digits will the worst network confuse?

# %%
explorer.figures.confusion_matrix(worst.confusion, worst.classes)

# %%
worst.mistakes.head()

# %% [markdown]
# **What it shows.** Rows are true classes, columns predictions; mistakes are orange. The table lists the mistakes
# with the highest confidence: look at these pictures first.
#
# **What it does not show.** Why. The notebook *attributions* shows where the network looked.

# %% [markdown]
# ## 5. Several networks together
#
# **Question.** The mean of their probabilities often has a lower error than each of them. Does a bad member help?
#
# **Guess.** Is the error of all four above or below that of the best?

# %%
joint = explorer.evaluations.ensemble(networks)
alone = joint.members["error"].min()
print(f"The best member has an error of {100 * alone:.1f} %, all together {100 * joint.joint.error:.1f} %.")
print(f"{joint.shared['images'].iloc[-1]} images are wrong in all of them.")
explorer.figures.member_agreement(joint.pairs, networks)

# %%
joint.members[["reference", "error", "error_without"]].round(3)

# %% [markdown]
# **What it shows.** *error_without* is the error of the others: where it is lower, that member hurts. Networks that
# make different mistakes help each other most.
#
# **What it does not show.** What it costs: four networks take four times as long.

# %% [markdown]
# ## Exercises
#
# 1. `explorer.evaluations.evaluations(networks, crops=10)`: does averaging ten crops help on digits of 8×8 pixels?
#
# <details><summary>Answer</summary>
#
# It hurts, a lot. Five of the ten crops are mirrored, and a mirrored digit is another sign, which these networks have
# never seen. On photographs, which may be mirrored, it usually helps by about a point: Krizhevsky et al. 2012 use it.
#
# </details>
#
# 2. With real weights: `python -m explorer load resnet50` downloads torchvision's, and `python -m explorer evaluate
#    resnet50 --data folder:/home/me/pets` evaluates them on your pictures. What must the folder look like?
#
# <details><summary>Answer</summary>
#
# One subfolder for each class, named by ImageNet's names ("tench", "Siamese_cat") or folder names: `docs/data.md`.
#
# </details>
