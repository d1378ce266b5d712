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
# One picture and four shipped networks, shallow and deep, plain and residual, under three methods; then whether the maps
# can be trusted. On CIFAR-10 if it is on this machine, else on digits.

# %%
import explorer
from explorer.attribution.question import Question
from explorer.data.catalogue import data_status
from explorer.studies.map_files import map_cells, scores

data = "cifar10" if data_status("cifar10").available else "digits"
networks = [f"shipped-{data}-{kind}{depth}" for depth in (20, 56) for kind in ("plain", "resnet")]
methods = ["saliency", "integrated_gradients", "grad_cam"]
picture = "test:3"
images = 5  # docs/attributions.md: 20

# %% [markdown]
# A map for each network and method. Integrated gradients should add up to the score minus the baseline's; delta is how
# far they are from it.

# %%
maps = [
    explorer.attribution_maps.attribution_map(network, picture, Question(method))
    for network in networks
    for method in methods
]
columns = ["network", "method", "prediction", "probability", "label", "score", "sum", "delta"]
print(scores(maps)[columns].round(3).to_string(index=False))

# %%
explorer.figures.attribution_grid(map_cells(maps, "network", "method"))

# %% [markdown]
# Where in the depth does the evidence form? Grad-CAM of every block of the deeper residual network.

# %%
blocks = explorer.attribution_maps.layer_maps(networks[-1], picture, Question("grad_cam"))
explorer.figures.layer_lens(map_cells(blocks, "stage", "block"))

# %% [markdown]
# Can it be trusted? Hide the highest positions of a map: does the probability fall faster than when other positions are
# hidden? Randomise the layers: does the map change?

# %%
for method in ("saliency", "grad_cam"):
    check = explorer.attribution_maps.check(networks[1], picture, Question(method))
    print(
        f"{method}: deletion {check.curves.deletion:.2f}, {check.curves.verdict}; "
        f"unexplained {check.infidelity.unexplained:.2f}; sensitivity {check.sensitivity:.2f}; {check.badge}"
    )

# %%
explorer.figures.deletion_insertion(check.curves.table)

# %%
explorer.figures.randomisation(check.randomisation)

# %% [markdown]
# Do networks look at the same positions, under one method? Do methods agree, for one network? Rank correlation of every
# two maps, mean over images.

# %%
between_networks = explorer.attribution_maps.agreement_of_networks(networks, images, Question("saliency"))
print(between_networks.pivot_table(index="a", columns="b", values="rank_correlation", sort=False).round(2).to_string())

# %%
between_methods = explorer.attribution_maps.agreement_of_methods(networks[1], images, [Question(each) for each in methods])
print(between_methods.pivot_table(index="a", columns="b", values="rank_correlation", sort=False).round(2).to_string())

# %%
explorer.figures.agreement_matrix(between_networks, measure="rank_correlation")
