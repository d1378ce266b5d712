"""Columns of predictions and evaluations on images."""

from explorer.tables.layers import MEASURED_KEYS

# Predictions of networks on test images; one row per network and image.
PREDICTIONS = [
    *MEASURED_KEYS,
    "index",  # of the image in the test set, from 0
    "label",  # its class
    "prediction",  # the class with the highest probability
    "probability",  # of the prediction (softmax)
    "label_probability",
]

# Predictions of several networks, summarised; one row per image.
ANSWERS = [
    "index",
    "label",
    "networks",  # how many
    "wrong",  # of them
    "mistake_probability",  # mean probability of the wrong predictions; empty if none is wrong
    "disagreement",  # fraction of the pairs of networks that predict different classes
    "spread",  # highest minus lowest probability of the label
    "predictions",  # tuple, in the order of the networks
]

TOP = 5  # guesses that the top-5 error allows

# Predictions of a network in an evaluation; one row per image.
EVALUATED = [
    "index",  # of the image in the test set, from 0
    "label",
    "prediction",
    "probability",  # of the prediction (softmax): the confidence
    "label_probability",
    "label_rank",  # of the label among the classes by their probability; 1 if the prediction is right
    "loss",  # cross-entropy, nats
]

# Evaluations on test images; one row per network or ensemble.
EVALUATIONS = [
    *MEASURED_KEYS,
    "data",
    "images",  # how many
    "crops",  # views of each image, 1 or 10
    "error",
    "standard_error",  # of the error, as an estimate from these images
    "top5_error",  # the label is not among the five most probable classes; empty with five classes or fewer
    "loss",  # mean cross-entropy, nats
    "ece",  # expected calibration error: |accuracy - confidence|, mean over images
    "seconds",  # time of the evaluation
]

# Accuracy by confidence; one row per bin.
CALIBRATION = ["low", "high", "images", "confidence", "accuracy"]

# Images by label and prediction; the fraction is of the images of the label.
CONFUSION = ["label", "prediction", "images", "fraction"]

CLASS_ERRORS = [
    "label",
    "class",  # its name
    "images",
    "wrong",  # of them
    "error",
    "predicted",  # images predicted as this class, rightly or not
    "taken_for",  # name of the class that it is most often mistaken for; empty if never
    "taken_for_images",
]

# Images by the number of networks that misclassify them; one row per number.
SHARED_MISTAKES = ["wrong", "images", "fraction"]

# Agreement of two networks on the same images, as fractions.
MEMBER_PAIRS = [
    "a",
    "b",
    "same",  # both predict the same class
    "both_wrong",
    "same_mistake",  # both predict the same wrong class
]

# The networks of an ensemble.
MEMBERS = [
    *MEASURED_KEYS,
    "error",
    "error_without",  # of the ensemble of all others; empty if there is only one other
]
