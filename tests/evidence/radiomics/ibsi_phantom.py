"""The IBSI digital phantom, slice by slice, and what its reference manual says of it.

arXiv 1612.07003: the voxels from the figure of the digital phantom (0 here: outside of the region),
counts from the chapter "Digital phantom texture matrices", features from the reference tables,
aggregation "2D, averaged": over directions, then over slices. As far as given, to three digits.
"""

import numpy as np

SLICES = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    np.uint8,
)
GREY = 6

# Co-occurrences merged over directions: (i, j) with i <= j -> n, slice by slice.
PAIRS = [
    {(1, 1): 22, (1, 4): 17, (1, 6): 6, (4, 4): 16, (4, 6): 11, (6, 6): 4},
    {
        **{(1, 1): 42, (1, 3): 5, (1, 4): 8, (1, 6): 8, (3, 4): 1, (3, 6): 2},
        **{(4, 4): 4, (4, 6): 3},
    },
    {(1, 1): 56, (1, 4): 7, (1, 6): 4, (4, 4): 2},
    {(1, 1): 70, (1, 4): 7, (1, 6): 5, (4, 4): 2},
]
# Runs merged over directions: (level, length) -> n.
RUNS = [
    {
        **{(1, 1): 16, (1, 2): 8, (1, 4): 1, (4, 1): 17, (4, 2): 6, (4, 3): 1},
        **{(6, 1): 9, (6, 3): 1},
    },
    {
        **{(1, 1): 10, (1, 2): 15, (1, 4): 2, (3, 1): 4, (4, 1): 12, (4, 2): 2},
        **{(6, 1): 8},
    },
    {
        **{(1, 1): 10, (1, 2): 11, (1, 3): 5, (1, 4): 1, (1, 5): 1},
        **{(4, 1): 6, (4, 2): 1, (6, 1): 4},
    },
    {
        **{(1, 1): 6, (1, 2): 9, (1, 3): 6, (1, 4): 2, (1, 5): 2},
        **{(4, 1): 6, (4, 2): 1, (6, 1): 4},
    },
]
# Zones: (level, size) -> n.
ZONES = [
    {(1, 3): 1, (1, 6): 1, (4, 2): 1, (4, 6): 1, (6, 3): 1},
    {(1, 4): 1, (1, 8): 1, (3, 1): 1, (4, 2): 2, (6, 1): 2},
    {(1, 14): 1, (4, 2): 1, (6, 1): 1},
    {(1, 15): 1, (4, 2): 1, (6, 1): 1},
]

# Of all 74 voxels as one region.
FIRST_ORDER = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "excess kurtosis": -0.355,
    "median": 1,
    "minimum": 1,
    "10th percentile": 1,
    "90th percentile": 4,
    "maximum": 6,
    "interquartile range": 3,
    "range": 5,
    "mean absolute deviation": 1.55,
    "robust mean absolute deviation": 1.11,
    "median absolute deviation": 1.15,
    "coefficient of variation": 0.812,
    "quartile coefficient of dispersion": 0.6,
    "energy": 567,
    "root mean square": 2.77,
}
HISTOGRAM = {"discretised intensity entropy": 1.27, "discretised intensity uniformity": 0.512}
GLCM = {
    "joint maximum": 0.519,
    "joint average": 2.14,
    "joint variance": 2.69,
    "joint entropy": 2.05,
    "difference average": 1.42,
    "difference variance": 2.9,
    "difference entropy": 1.4,
    "sum average": 4.28,
    "sum variance": 5.47,
    "sum entropy": 1.6,
    "angular second moment": 0.368,
    "contrast": 5.28,
    "dissimilarity": 1.42,
    "inverse difference": 0.678,
    "normalised inverse difference": 0.851,
    "inverse difference moment": 0.619,
    "normalised inverse difference moment": 0.899,
    "inverse variance": 0.0567,
    "correlation": -0.0121,
    "autocorrelation": 5.09,
    "cluster tendency": 5.47,
    "cluster shade": 7.0,
    "cluster prominence": 79.1,
    "information correlation 1": -0.155,
    "information correlation 2": 0.487,
}
GLRLM = {
    "short runs emphasis": 0.641,
    "long runs emphasis": 3.78,
    "low grey level run emphasis": 0.604,
    "high grey level run emphasis": 9.82,
    "short run low grey level emphasis": 0.294,
    "short run high grey level emphasis": 8.57,
    "long run low grey level emphasis": 3.14,
    "long run high grey level emphasis": 17.4,
    "grey level non-uniformity": 5.2,
    "normalised grey level non-uniformity": 0.46,
    "run length non-uniformity": 6.12,
    "normalised run length non-uniformity": 0.492,
    "run percentage": 0.627,
    "grey level variance": 3.35,
    "run length variance": 0.761,
    "run entropy": 2.17,
}
GLSZM = {
    "small zone emphasis": 0.363,
    "large zone emphasis": 43.9,
    "low grey level zone emphasis": 0.371,
    "high grey level zone emphasis": 16.4,
    "small zone low grey level emphasis": 0.0259,
    "small zone high grey level emphasis": 10.3,
    "large zone low grey level emphasis": 40.4,
    "large zone high grey level emphasis": 113,
    "grey level non-uniformity": 1.41,
    "normalised grey level non-uniformity": 0.323,
    "zone size non-uniformity": 1.49,
    "normalised zone size non-uniformity": 0.333,
    "zone percentage": 0.24,
    "grey level variance": 3.97,
    "zone size variance": 21,
    "zone size entropy": 1.93,
}


def agrees(values: np.ndarray, names: tuple[str, ...], published: dict[str, float]) -> None:
    """Every published value is met to the digits that it is given with."""
    assert set(names) == set(published)
    for name, value in zip(names, values, strict=True):
        wanted = published[name]
        tolerance = 0.5000001 * 10 ** (np.floor(np.log10(abs(wanted))) - 2)
        assert abs(value - wanted) <= tolerance, f"{name}: {value} where {wanted} is published"
