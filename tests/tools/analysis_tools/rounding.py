"""Ratios in tables, beside the rounded numbers that they are of."""


def assert_ratio(ratio: float, above: float, below: float) -> None:
    """Check a ratio with two decimals, of two numbers that are shown with one."""
    low = (above - 0.05) / (below + 0.05)
    high = (above + 0.05) / max(below - 0.05, 1e-9)
    assert low - 0.006 <= ratio <= high + 0.006
