"""Short numbers for figures."""


def number(value: float) -> str:
    """Two digits or the whole part: 0.93, 12, 37k, 4.5e-5."""
    for limit, sign in ((1e6, "M"), (1e3, "k"), (1.0, "")):
        if abs(value) >= limit:
            scaled = value / limit
            return (f"{scaled:.0f}" if abs(scaled) >= 10 else f"{scaled:.1f}").replace("-", "−") + sign
    return _shortened(f"{value:#.2g}")


def precise(value: float) -> str:
    """Three digits or the whole part: 0.932, 36,992."""
    return _shortened(f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}")


def _shortened(text: str) -> str:
    return text.replace("e-0", "e-").replace("-", "−")
