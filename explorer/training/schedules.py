"""Learning-rate schedules: the fraction of the peak rate by progress."""

import math
from collections.abc import Callable


def he2015(progress: float) -> float:
    """Divided by 10 at half and at three quarters: 32k and 48k of 64k steps, He et al. 2015, section 4.2."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def one_cycle(progress: float) -> float:
    """Linear from 1/25 to the peak over the first 30%, then a cosine to almost zero. Source: Smith and Topin 2017."""
    if progress < 0.3:
        return 0.04 + 0.96 * progress / 0.3
    return max(1e-4, cosine((progress - 0.3) / 0.7))


def cosine(progress: float) -> float:
    """Half a cosine from the peak to zero. Source: Loshchilov and Hutter 2016."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def constant(progress: float) -> float:
    """The peak rate throughout."""
    return 1.0


# progress is the fraction of steps done, in [0, 1)
SCHEDULES: dict[str, Callable[[float], float]] = {
    "he2015": he2015,
    "one_cycle": one_cycle,
    "cosine": cosine,
    "constant": constant,
}

# He et al. 2015, section 4.2, warm up ResNet-110 with a tenth of the rate until the training error is below 80%.
GENTLE_START_DEPTH = 110
GENTLE_START_FACTOR = 0.1
GENTLE_START_ERROR = 0.8
