# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # What do blocks learn?
#
# Trained blocks are deleted, shuffled, probed and looked into, plain beside residual. Each part asks one question
# that a paper has asked before.
#
# On shipped networks and the digits, whose stages have three blocks. With CIFAR-10 on this machine set
# `data = "cifar10"`. `docs/blocks.md` has the numbers of larger samples.

# %%
import explorer
from explorer.analysis import block_findings, inside_blocks, lesion_findings
from explorer.studies import features, landscape, refinement

data = "digits"
plain, residual = twins = [f"shipped-{data}-{kind}20" for kind in ("plain", "resnet")]

# %% [markdown]
# ## 1. Delete one block
#
# **Question.** A trained network loses one block; its neighbours are joined. What happens to the error? (Veit et al.
# 2016)
#
# **Guess.** In which network does it matter less, and are there blocks that matter more than others?

# %%
lesions = explorer.blocks.lesion(twins, images=250)
print(lesion_findings.lesion_finding(lesions))
explorer.figures.lesion_bars(lesions)

# %% [markdown]
# **What it shows.** One bar per block: by how much the error rises without it. A cross: it cannot go, since nothing
# else has its shape. In a residual network the input goes on through the shortcut; in a plain one the next block gets
# what it has never seen.
#
# **What it does not show.** That a block which can go has learned nothing. The others may do its work, or the digits
# may be too easy to need it.

# %% [markdown]
# ## 2. Change their order
#
# **Question.** Blocks of one stage have the same shape. Do they need their order?
#
# **Guess.** What error is left when all pairs of a stage are reversed?

# %%
shuffles = explorer.blocks.shuffle(twins, repeats=3, images=100)
print(lesion_findings.shuffle_finding(shuffles))
explorer.figures.operated_errors(shuffles, x="distance")

# %% [markdown]
# **What it shows.** The distance is the part of pairs that stand in reversed order: 0 is the trained order, 1 the
# opposite.
#
# **What it does not show.** Much for so few blocks: a block that changes the shape stays where it is, so that stages
# 2 and 3 have two blocks each to exchange.
#
# Operations can be combined. The result is a new network; the one it was made from stays as it is:

# %%
operations = "delete:2.2,shortcut:2.3@0.5"
operated = explorer.blocks.operated([residual], operations, images=250)
print(lesion_findings.operated_finding(operated))
network = explorer.operated(explorer.load_checkpoint(residual), operations)

# %% [markdown]
# ## 3. Where is the class known?
#
# **Question.** A linear classifier is fitted to the features after each block (a *probe*). Where do its errors fall?
#
# **Guess.** Evenly from block to block, or at once at a new stage?

# %%
probes = explorer.probing.probing(twins, train_images=500, test_images=250)
print(*block_findings.probe_findings(probes.errors), sep="\n")
explorer.figures.probe_errors(probes.errors)

# %% [markdown]
# **What it shows.** How easily the class can be *read off* after each block.
#
# **What it does not show.** Whether the network reads it off so. A probe finds what is there, not what is used.

# %% [markdown]
# ## 4. Which layers are alike?
#
# **Question.** Centred kernel alignment (CKA) compares what two layers do to the same images. Are layers of twins
# alike?
#
# **Guess.** Are neighbours more alike in the plain or in the residual network?

# %%
similarity = explorer.similarity.layer_similarity(twins, images=250)
print(*block_findings.similarity_findings(similarity), sep="\n")
explorer.figures.layer_similarity(similarity)

# %% [markdown]
# A warning. Move one image far away, in a direction that the classifier does not look at (Davari et al. 2023):

# %%
print(block_findings.outlier_finding(explorer.similarity.outlier_example(residual, images=250)))

# %% [markdown]
# **What it shows.** Light fields are layers that are alike. The warning shows that CKA can change while no prediction
# does.
#
# **What it does not show.** The same function. Two layers with a high CKA may differ just where it matters.

# %% [markdown]
# ## 5. Which paths does the gradient take?
#
# **Question.** With n shortcuts there are 2 to the power of n paths. Which of them carry the gradient? (Veit et al.
# 2016, figure 6)
#
# **Guess.** The shortest, those of middle length (most are), or the longest?

# %%
paths = explorer.paths.path_gradients([residual], images=20, samples=5)
print(*block_findings.path_findings(paths), sep="\n")
explorer.figures.path_lengths(paths)

# %% [markdown]
# **What it shows.** Number of paths times the gradient along one of them gives the share of each length.
#
# **What it does not show.** That a network *is* a set of short ones. Paths share their weights and are trained
# together.

# %% [markdown]
# ## 6. What does the loss look like around a network?
#
# **Question.** Li et al. 2018 draw the loss in a plane of two random directions. Is it smoother with shortcuts?
#
# **Guess.** How will the contours of the twins differ?

# %%
losses = landscape.landscape(twins, images=50, points=7)
print(*block_findings.landscape_findings(losses), sep="\n")
explorer.figures.loss_contours(losses)

# %% [markdown]
# **What it shows.** The trained network is in the middle. Directions have the length of the filters, so that networks
# can be compared.
#
# **What it does not show.** The landscape: two directions of some hundred thousand, 7×7 points, 50 images.

# %% [markdown]
# ## 7. Does each block refine the answer?
#
# **Question.** If a block takes a small step downhill, F(x) points against the gradient of the loss (Jastrzebski et
# al. 2018). And what if it is applied again?
#
# **Guess.** Which blocks refine, the first of a stage or the later ones?

# %%
refined = refinement.refinement(twins, images=100)
print(*block_findings.refinement_findings(refined), sep="\n")
explorer.figures.refinement_profiles(refined)

# %%
iterated = refinement.iterated(twins, images=100, stage=3, most=3)
print(*block_findings.iteration_findings(iterated), sep="\n")
explorer.figures.iterated_blocks(iterated)

# %% [markdown]
# **What it shows.** Above zero the block takes a step downhill. Applied zero times, it is deleted; once is the
# network itself.
#
# **What it does not show.** That training aims at refinement. Networks do not have to behave so, and the first blocks
# of a stage, which change its shape, cannot.

# %% [markdown]
# ## 8. Look inside
#
# The arithmetic of a block on one picture: x, F(x), the shortcut, their sum, the ReLU.

# %%
for reference, kind in zip(twins, ("plain20", "resnet20"), strict=True):
    print(inside_blocks.arithmetic_finding(features.block_arithmetic(reference, "test:0", "stage1.block2"), kind))
block = features.block_arithmetic(residual, "test:0", "stage1.block2")
channels = inside_blocks.most_active(block, 3)
explorer.figures.block_panels(block, channels)

# %% [markdown]
# Which test images excite the first of these channels most?

# %%
exciting = features.exciting_images(residual, "stage1.block2", channels[0], images=250)
print(inside_blocks.exciting_finding(exciting, "resnet20", 10))
explorer.figures.most_exciting_images(exciting)

# %% [markdown]
# In a pre-activation network the scores are a sum of what the blocks add. None is shipped, so this one is untrained:

# %%
parts = features.contributions("preresnet20", "test:0", data=data)
print(inside_blocks.contribution_finding(parts))
explorer.figures.logit_bars(parts)

# %% [markdown]
# ## Exercises
#
# 1. Delete two blocks of *one* stage of the residual network, then two of *different* stages:
#    `"delete:1.2,delete:1.3"`, `"delete:1.2,delete:2.2"`. Is the damage the sum of the two single ones?
#
# <details><summary>Answer</summary>
#
# `explorer.blocks.operated([residual], operations, images=250)` gives the errors. Here both cost more together than
# the sum: the first deletion already moves the features away from what the second block has learned to make up for.
#
# </details>
#
# 2. Why can the first block of a stage not be exchanged with another?
#
# <details><summary>Answer</summary>
#
# It halves the image and doubles the channels: its input and output have other shapes than those of its neighbours.
#
# </details>
#
# 3. Repeat part 1 with `twins = ["shipped-digits-plain56", "shipped-digits-resnet56"]`. What do you expect, and why?
#
# <details><summary>Answer</summary>
#
# In resnet56 each block adds less to its input (see *responses*), so most of its 27 blocks can go one at a time; the
# first ones cost most. plain56 has not trained well: its error is high already, and cannot rise above that of
# guessing. Read the error of the intact network first, then the rise.
#
# </details>
