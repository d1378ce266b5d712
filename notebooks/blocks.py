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
# Trained blocks deleted, shuffled and looked into, plain beside residual, on the shipped networks; on CIFAR-10 if it is
# on this machine, else on digits. Numbers of larger samples: docs/blocks.md.

# %%
import explorer
from explorer.analysis import inside_blocks
from explorer.data.catalogue import data_status
from explorer.studies import features, landscape, refinement

data = "cifar10" if data_status("cifar10").available else "digits"
plain, residual = twins = [f"shipped-{data}-{kind}20" for kind in ("plain", "resnet")]

# %% [markdown]
# Delete each block in turn (Veit et al. 2016): a residual network gives it up more easily than a plain one.

# %%
lesions = explorer.blocks.lesion(twins, images=250)
print(lesions.pivot_table(index=["stage", "block"], columns="network", values="error", sort=False).round(3).to_string())

# %%
explorer.figures.lesion_bars(lesions)

# %% [markdown]
# Exchange blocks within stages, ever further from their order.

# %%
shuffles = explorer.blocks.shuffle(twins, repeats=3, images=100)
print(shuffles.pivot_table(index="distance", columns="network", values="error").round(3).to_string())

# %%
explorer.figures.operated_errors(shuffles, x="distance")

# %% [markdown]
# Several operations at once, and the operated network itself: a new one, the original is not touched.

# %%
operations = "delete:2.2,shortcut:2.3@0.5"
operated = explorer.blocks.operated([residual], operations, images=250)
print(operated.loc[operated["class"] == "", ["network", "operations", "error", "intact_error"]].to_string(index=False))
network = explorer.operated(explorer.load_checkpoint(residual), operations)

# %% [markdown]
# Linear probes: where is the class known?

# %%
probes = explorer.probing.probing(twins, train_images=500, test_images=250)
print(probes.errors.pivot_table(index="point", columns="network", values="error").round(3).to_string())

# %%
explorer.figures.probe_errors(probes.errors)

# %% [markdown]
# Linear CKA of all layers with each other, and how it can mislead: moving one image far away where the classifier does
# not look takes it down, though no prediction changes (Davari et al. 2023).

# %%
similarity = explorer.similarity.layer_similarity(twins, images=250)
print(similarity.groupby(["network_a", "network_b"])["cka"].mean().round(2).to_string())
pitfall = explorer.similarity.outlier_example(residual, images=250)
print(pitfall.round(3).to_string(index=False))

# %%
explorer.figures.layer_similarity(similarity)

# %% [markdown]
# Paths of each length, the gradient along one of them, and their product (Veit et al. 2016, figure 6).

# %%
paths = explorer.paths.path_gradients([residual], images=20, samples=5)
print(paths[["length", "paths", "gradient_norm", "share"]].to_string(index=False))

# %%
explorer.figures.path_lengths(paths)

# %% [markdown]
# The loss in a plane of filter-normalised random directions (Li et al. 2018).

# %%
losses = landscape.landscape(twins, images=50, points=7)
print(losses.groupby("network")["loss"].describe()[["min", "50%", "max"]].round(2).to_string())

# %%
explorer.figures.loss_contours(losses)

# %% [markdown]
# Refinement: does F(x) point towards a smaller loss (Jastrzebski et al. 2018), and what if a block is applied again?

# %%
refined = refinement.refinement(twins, images=100)
print(refined.pivot_table(index=["stage", "block"], columns="network", values="cosine").round(3).to_string())
iterated = refinement.iterated(twins, images=100, stage=3, most=3)
print(iterated.pivot_table(index="times", columns="network", values="error").round(3).to_string())

# %%
explorer.figures.refinement_profiles(refined)

# %%
explorer.figures.iterated_blocks(iterated)

# %% [markdown]
# The arithmetic of a block on one picture: x, F(x), shortcut(x), their sum, the ReLU.

# %%
for reference, kind in zip(twins, ("plain20", "resnet20"), strict=True):
    print(inside_blocks.arithmetic_finding(features.block_arithmetic(reference, "test:0", "stage1.block2"), kind))
block = features.block_arithmetic(residual, "test:0", "stage1.block2")
channels = inside_blocks.most_active(block, 3)
explorer.figures.block_panels(block, channels)

# %% [markdown]
# The test images that excite the first of these channels most.

# %%
exciting = features.exciting_images(residual, "stage1.block2", channels[0], images=250)
print(exciting.table[["image", "class", "value", "row", "column"]].round(2).to_string(index=False))

# %%
explorer.figures.most_exciting_images(exciting)

# %% [markdown]
# In a pre-activation network the scores are a sum of what the blocks add. None is shipped, so that this one is not
# trained.

# %%
parts = features.contributions("preresnet20", "test:0", data=data)
print(inside_blocks.contribution_finding(parts))
explorer.figures.logit_bars(parts)
