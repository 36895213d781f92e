"""A layer of a small network, without BLAS, whose threads cost more than these few numbers are worth."""

import numba
import numpy as np

from despite_ros.arrays import FloatArray


@numba.njit(cache=True, fastmath=True)
def affine(values: FloatArray, weights: FloatArray, bias: FloatArray) -> FloatArray:
    """G×F values times F×H weights, plus the bias (H,): G×H. Values that are zero cost nothing."""
    sums = np.empty((len(values), len(bias)), np.float32)
    for g in range(len(values)):
        for h in range(len(bias)):
            sums[g, h] = bias[h]
        for f in range(values.shape[1]):
            if values[g, f] != 0:
                for h in range(len(bias)):
                    sums[g, h] += values[g, f] * weights[f, h]
    return sums
