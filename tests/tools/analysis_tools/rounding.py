"""Ratios in tables, beside the rounded numbers that they are of."""


def assert_ratio(ratio: float, above: float, below: float, decimals: int = 2) -> None:
    """Check a ratio with so many decimals, of two numbers that are shown with one."""
    low = (above - 0.05) / (below + 0.05)
    high = (above + 0.05) / max(below - 0.05, 1e-9)
    rounding = 0.5 * 10**-decimals + 1e-9
    assert low - rounding <= ratio <= high + rounding
