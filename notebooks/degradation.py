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
# The argument of *Deep residual learning* (He et al. 2015), in eight steps. Each has a question. Make a guess before
# you look at the figure: the argument lives from its surprises.
#
# The networks come with the program: CIFAR-10, 3,000 steps, three seeds, and the digits, 400 steps. Their curves are
# all here, so nothing is trained and nothing is downloaded. Sentences below the figures are computed from the runs.

# %%
import tempfile
from pathlib import Path

import explorer
from explorer.analysis.layer_findings import gradient_finding

report = explorer.degradation.verdict("shipped-cifar10")
curves = explorer.metrics(report.ends["run"].tolist())
steps = int(curves["step"].max())

# %% [markdown]
# ## 1. A deeper network can do all that a shallower one can
#
# plain20 has been trained. Take plain56, copy the layers of plain20 into it, and let its other 36 layers pass their
# input on unchanged. This plain56 computes what plain20 computes, so it has the same training error.
#
# **Question.** So the best plain56 is at least as good as plain20. Will training find it?
#
# **Guess.** plain56 ends *below* plain20, *at* plain20, or *above* it?

# %% [markdown]
# ## 2. The race of the plain networks

# %%
explorer.figures.race(curves[curves["kind"] == "plain"], smoothing=40, steps=steps)

# %%
print(report.degradation.headline, *report.degradation.sentences[:2], sep="\n- ")

# %% [markdown]
# **What it shows.** The deeper the network, the higher its *training* error, in every seed. He et al. call this
# degradation.
#
# **What it does not show.** What happens after 64,000 steps, as in the paper. 3,000 steps are a short training, and a
# difference at the end of a short schedule may partly be one of speed.

# %% [markdown]
# ## 3. Is it overfitting?
#
# **Question.** A large network can learn its training images by heart and fail on new ones. Is that what happens?
#
# **Guess.** If it was overfitting, what would the two bars of plain56 look like?

# %%
ends = report.ends.groupby(["kind", "depth", "network"], as_index=False)[["train_error", "test_error"]].mean()
explorer.figures.end_errors(ends[ends["kind"] == "plain"].assign(label=lambda table: table["network"]))

# %%
worst = ends[ends["kind"] == "plain"].set_index("network")["train_error"]
for name, error in worst.items():
    print(f"{name}: {100 * error:.1f} % training error (mean over three seeds)")

# %% [markdown]
# **What it shows.** An overfitted network has a low training error and a high test error. plain56 has a high training
# error: it does not even fit the images that it was trained on. This is a problem of optimisation.
#
# **What it does not show.** Training images are cropped and mirrored at random, test images are not. So a training
# error can be above the test error, and the two bars of one network are not quite comparable.

# %% [markdown]
# ## 4. Do gradients vanish?
#
# **Question.** Training sends the gradient back through all layers. If each layer made it smaller, the first layers
# would learn nothing. How large is the gradient at the first layer of plain56, before the first step?
#
# **Guess.** Thousands of times smaller than at the last convolution, about the same, or larger?
#
# The gradients are those on digits, whose images are at hand.

# %%
moments = ["shipped-digits-plain56@0", "shipped-digits-plain56"]
gradients = explorer.inspection.gradient_profile(moments, images=100)
for step, rows in gradients.groupby("step"):
    print(f"Step {step}: {gradient_finding(rows)}")
explorer.figures.gradient_norms(gradients[gradients["step"] == 0])

# %% [markdown]
# **What it shows.** The gradient does not vanish, not even before training: batch norm keeps the signal alive. In a
# plain network it is rather too large at the first layers. The usual explanation is not the right one here.
#
# **What it does not show.** A long gradient may still be useless. Balduzzi et al. 2017 find that in deep plain
# networks it becomes like noise: a small step changes it completely. The exercises come back to that.

# %% [markdown]
# ## 5. The proof by construction
#
# **Question.** Step 1 was an argument. Now it is carried out: a trained plain20 gets 18 blocks that pass their input
# on. What is the training error of the plain56 that comes out?
#
# **Guess.** That of plain20, that of a plain56 which was trained, or that of guessing?

# %%
with tempfile.TemporaryDirectory() as folder:
    made = explorer.construct.identity("shipped-digits-plain20", 56, to=Path(folder) / "plain56.safetensors")
digits = explorer.degradation.verdict("shipped-digits").ends
scratch = digits[(digits["network"] == "plain56") & (digits["seed"] == 0)].iloc[0]
print(f"plain20: {100 * made.source_train_error:.1f} % training error")
print(f"plain56, made from it: {100 * made.train_error:.1f} %, outputs equal up to {made.largest_difference:.0e}")
print(f"plain56, trained from scratch: {100 * scratch['train_error']:.1f} % at the end of its schedule")

# %% [markdown]
# **What it shows.** A better plain56 exists, and it can be written down. Training from random weights did not find
# it.
#
# **What it does not show.** Why not. "Hard to optimise" names the problem, it does not explain it.

# %% [markdown]
# ## 6. Make the easy thing easy
#
# If passing the input on is a good start, let a block do so by default: its output is F(x) + x. To pass its input on,
# F only has to be zero.
#
# **Question.** What does that cost?
#
# **Guess.** How many parameters do the shortcuts of resnet56 add to plain56?

# %%
sizes = explorer.networks().set_index("name").loc[["plain56", "resnet56"], ["parameters", "multiply_adds"]]
print(f"resnet56 has {sizes['parameters'].diff().iloc[-1]:,.0f} parameters more than plain56.")
sizes

# %% [markdown]
# ## 7. The race again, with shortcuts
#
# The same depths, images, order and recipe as in step 2. The shortcuts are the only difference.
#
# **Guess.** Which residual network ends with the lowest training error, and how far apart are they?

# %%
explorer.figures.race(curves, smoothing=40, steps=steps)

# %%
print(report.finding)
print(report.shortcut.headline, *report.shortcut.sentences, sep="\n- ")

# %%
explorer.figures.gaps(report.gaps)

# %% [markdown]
# **What it shows.** With shortcuts the order of the depths turns round. Each dot is a difference of two networks, its
# bar the 95 % interval over seeds. A filled dot is one whose interval does not include zero.
#
# **What it does not show.** That deeper is always better. The original resnet1202 has a higher test error than
# resnet110 (He et al. 2015, table 6). Three seeds give wide intervals, and one recipe is one recipe.

# %% [markdown]
# ## 8. Is it the same on other images?
#
# **Question.** Digits are much easier than CIFAR-10. Does depth hurt there too?
#
# **Guess.** At which depth does it start?

# %%
easy = explorer.degradation.verdict("shipped-digits")
print(easy.finding)
print(*(f"Confound: {each.reason}" for each in easy.confounds), sep="\n")
explorer.figures.gaps(easy.gaps)

# %% [markdown]
# **What it shows.** Where two networks both learn all their training images, the error cannot tell them apart. Then
# the program compares how many steps they took.
#
# A *confound* is what else could explain a difference; the program names those it knows.
#
# **What it does not show.** A law. Where degradation starts depends on the images, the recipe and the length of the
# training.

# %% [markdown]
# ## Exercises
#
# 1. Why does the argument look at the training error, when everybody wants a low *test* error?
#
# <details><summary>Answer</summary>
#
# The claim of step 1 is about what a network *can fit*. Only the training error tests it. A high test error alone has
# two possible causes: the network does not fit (optimisation), or it fits and does not generalise (overfitting).
#
# </details>
#
# 2. The constructed plain56 has the training error of plain20. If you now train it on, will its error rise to that of
#    the plain56 trained from scratch?
#
# <details><summary>Answer</summary>
#
# There is no reason why it should: it starts from a good point, and the steps go downhill. Try it: save the file
# outside of a temporary folder, then `explorer.train(explorer.load_checkpoint(path), "digits", recipe)` trains it in
# place. The difficulty is to *get* there from random weights.
#
# </details>
#
# 3. Norms say nothing about directions. `explorer.inspection.gradient_autocorrelation(["plain56", "resnet56"])`
#    measures how long input gradients stay similar when one image turns into another. What do you expect?
#
# <details><summary>Answer</summary>
#
# The gradient of plain56 forgets itself sooner: it is *shattered* (Balduzzi et al. 2017). That of resnet56 stays
# similar for longer. Draw it with `explorer.figures.gradient_autocorrelation(table)`. It is a correlation with
# trainability, not a proof of the cause.
#
# </details>
#
# 4. Would weaker shortcuts do? In `resnet56-alpha0.5` every shortcut is multiplied by 0.5. How much of x is left
#    after nine blocks of such a stage?
#
# <details><summary>Answer</summary>
#
# 0.5 to the power of 9, about two thousandths: the way around is nearly closed. He et al. 2016, section 3.1, find
# such networks much worse or not trainable. `explorer.degradation.run("weaker-shortcuts")` trains the comparison.
#
# </details>
#
# 5. Repeat the lesson with runs of your own: `explorer.degradation.run("one-minute")` trains them in the background
#    and gives the name of an experiment for `explorer.degradation.verdict`. What changes with `seeds=[0]`?
#
# <details><summary>Answer</summary>
#
# One run of each network gives no interval, and cannot tell a small difference from chance. The verdict says so, and
# `report.confounds` names it.
#
# </details>
