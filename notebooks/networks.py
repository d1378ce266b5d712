# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Every ResNet of the literature
#
# Build any of them by name, see what it costs, export its code, and evaluate trained ones on test images.

# %%
import explorer

table = explorer.networks()
columns = ["name", "depth", "parameters", "multiply_adds", "published_parameters", "published_error"]
print(table[columns].to_string(index=False))

# %% [markdown]
# A name is a configuration, with suffixes for what differs; see docs/networks.md.

# %%
network = explorer.build("seresnext29-8x16d", classes=10)
print(network.config.name, sum(parameter.numel() for parameter in network.parameters()))
print(explorer.standalone_code("resnet20").partition("class Network")[0])

# %% [markdown]
# Third-party weights, here torchvision's own network with random weights: the outputs are the same.

# %%
import torch
import torchvision

theirs = torchvision.models.resnet18().eval()
ours = explorer.build("resnet18").eval()
explorer.load_foreign_state(ours, theirs.state_dict())
images = torch.randn(2, 3, 64, 64)
with torch.inference_mode():
    print("largest difference of a score:", (ours(images) - theirs(images)).abs().max().item())

# %% [markdown]
# Test error, calibration, and an ensemble of four networks, on the built-in digits.

# %%
networks = [f"shipped-digits-{kind}{depth}" for depth in (20, 56) for kind in ("plain", "resnet")]
found = explorer.evaluations.evaluations(networks)
print(explorer.evaluations.evaluation_table(found).to_string(index=False))
