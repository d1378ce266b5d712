# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Where do networks look?
#
# An attribution gives each pixel, or each position, a part of the score of a class. Here: maps of one picture by four
# networks and three methods, then three tests of whether a map can be trusted.
#
# On the digits, which are built in. With CIFAR-10 on this machine set `data = "cifar10"`.

# %%
import explorer
from explorer.analysis.agreement_finding import agreement_finding
from explorer.attribution.question import Question
from explorer.studies.map_files import map_cells, scores

data = "digits"
networks = [f"shipped-{data}-{kind}{depth}" for depth in (20, 32) for kind in ("plain", "resnet")]
residual = networks[1]
methods = ["saliency", "integrated_gradients", "grad_cam"]
picture = "test:3"
images = 5  # docs/attributions.md: 20

# %% [markdown]
# ## 1. One picture, many maps
#
# **Question.** Networks of different depth and kind give the same answer. Do they look at the same pixels?
#
# **Guess.** What will differ more: the maps of two networks by one method, or the maps of two methods of one network?

# %%
maps = [
    explorer.attribution_maps.attribution_map(network, picture, Question(method))
    for network in networks
    for method in methods
]
explorer.figures.attribution_grid(map_cells(maps, "network", "method"), width=900)

# %%
columns = ["network", "method", "prediction", "probability", "label", "score", "sum", "delta"]
scores(maps)[columns].round(3)

# %% [markdown]
# **What it shows.** Each row is a network, each column a method with its own colour scale. Integrated gradients have
# a built-in check: their values should add up to the score minus that of the baseline. *delta* is how far they are
# from it.
#
# **What it does not show.** Which map is right. A map that looks sensible is not yet one that says what the network
# does.

# %% [markdown]
# ## 2. Where in the depth does the evidence form?
#
# **Question.** Grad-CAM can explain any block. At which one does the map settle on the digit?
#
# **Guess.** Early, in the middle, or in the last stage?

# %%
blocks = explorer.attribution_maps.layer_maps(residual, picture, Question("grad_cam"))
explorer.figures.layer_lens(map_cells(blocks, "stage", "block"))

# %% [markdown]
# **What it shows.** From left to right the blocks of a stage, from top to bottom the stages. Each stage halves the
# image, so that maps become coarser: digits have 8×8 pixels, and the last stage 2×2 positions.
#
# **What it does not show.** That a block with a weak map does nothing. Grad-CAM keeps what speaks *for* the class.

# %% [markdown]
# ## 3. Can it be trusted?
#
# **Question.** Two tests. *Deletion*: hide the highest positions of the map first; the probability should fall faster
# than when other positions are hidden. *Randomisation* (Adebayo et al. 2018): replace the weights by random ones,
# from the last layer backwards; a map that explains the network must change.
#
# **Guess.** Which of saliency and guided backpropagation will change when the layers are randomised?

# %%
tested = ("saliency", "guided_backprop")
checks = {name: explorer.attribution_maps.check(residual, picture, Question(name)) for name in tested}
for name, check in checks.items():
    print(f"{name}: {check.badge}, {check.curves.verdict}; deletion {check.curves.deletion:.2f}")
explorer.figures.deletion_insertion(checks["saliency"].curves.table)

# %%
explorer.figures.randomisation(checks["guided_backprop"].randomisation)

# %% [markdown]
# **What it shows.** The badge is the answer of the randomisation test: *follows_weights*, *ignores_weights* or
# *cannot_tell*. The verdict compares deletion and insertion with the same map shifted at random.
#
# **What it does not show.** One picture is one picture: `docs/attributions.md` has the tests over many. And a map can
# pass both tests and still mislead a reader who expects it to show a cause.

# %% [markdown]
# ## 4. Do networks agree? Do methods?
#
# **Question.** Over several images: how alike are the maps, by the rank correlation of their positions?
#
# **Guess.** As in part 1: is the agreement higher between networks, or between methods?

# %%
between_networks = explorer.attribution_maps.agreement_of_networks(networks, images, Question("saliency"))
print(agreement_finding(between_networks, "rank_correlation", "rank correlation"))
explorer.figures.agreement_matrix(between_networks, measure="rank_correlation")

# %%
between_methods = explorer.attribution_maps.agreement_of_methods(residual, images, [Question(each) for each in methods])
print(agreement_finding(between_methods, "rank_correlation", "rank correlation"))
between_methods.pivot_table(index="a", columns="b", values="rank_correlation", sort=False).round(2)

# %% [markdown]
# **What it shows.** The mean over images for each pair, and how much it varies (±). On the diagonal a map is compared
# with itself. Was your guess right?
#
# **What it does not show.** Agreement is not truth: two maps can agree and both be wrong. Five images are few.

# %% [markdown]
# ## Exercises
#
# 1. `Question("integrated_gradients", parameters={"steps": 5})`: what happens to delta?
#
# <details><summary>Answer</summary>
#
# It grows: the integral along the line from the baseline to the image is a sum over few points. More steps cost more
# passes and bring delta towards zero.
#
# </details>
#
# 2. Explain another class than the predicted one: `Question("saliency", target=8)`. What does the map mean now?
#
# <details><summary>Answer</summary>
#
# What would change the score of an 8 in this picture. It is evidence for and against that class, although the network
# answers something else. Maps of two classes side by side show what separates them.
#
# </details>
#
# 3. Why does the program refuse DeepLIFT for torchvision's ResNets?
#
# <details><summary>Answer</summary>
#
# Their blocks use one ReLU module twice. DeepLIFT keeps the input of each ReLU *module*, so the second use would
# overwrite the first, and the map would be wrong without a word. Import the weights (see *own_network*) and it runs.
#
# </details>
