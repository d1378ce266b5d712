"""What to do with a file that is not read, as sentences that end a message."""

SAVE_AGAIN = "Where you trust it, load it there and save its weights alone: torch.save(model.state_dict(), FILE)."
COPY_AGAIN = "Download or copy it again."
EXPORT_MODULE = (
    "Opening it would run code. Where you trust it and have that code, open it there with weights_only=False and save "
    'its weights alone: torch.save(module.state_dict(), "weights.pth").'
)
EXPORT_LIGHTNING = (
    "Where you trust it, open it with weights_only=False and save its weights alone: "
    'torch.save(checkpoint["state_dict"], "weights.pth").'
)
EXPORT_SCRIPT = (
    'Where you trust it, save its weights alone: torch.save(torch.jit.load(FILE).state_dict(), "weights.pth").'
)
EXPORT_PROGRAM = (
    'Where you trust it, save its weights alone: torch.save(torch.export.load(FILE).state_dict, "weights.pth").'
)
EXPORT_KERAS = (
    "In Keras, save its numbers by their names: safetensors.numpy.save_file({each.path: each.numpy() for each in "
    'model.weights}, "weights.safetensors").'
)
EXPORT_NUMPY = (
    "Save its arrays as tensors: torch.save({name: torch.from_numpy(array) for name, array in "
    'numpy.load(FILE).items()}, "weights.pth").'
)
EXPORT_ORIGINAL = (
    "Save the weights of the network that it was made of: torch.save(model.state_dict(), FILE). Before that, leave out "
    "what folds batch norm into convolutions."
)
UNPACK = "Unpack it and give the file inside."
PLACE_CIFAR = (
    "Unpack it in the folder of data sets, which `python -m explorer data status` names, and check it: "
    "`python -m explorer data verify cifar10`. Weights are another file, such as one that torch.save wrote."
)
