"""Diagnostics of many chains: pure functions of arrays (chains, draws) or (chains, draws, d), draws in the order they were made.

ESS and R-hat are ArviZ's (Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, "Rank-normalization, folding, and localization").
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

FEWEST = 4  # draws a chain needs for ESS and R-hat
_AT_ONCE = 2_000_000  # numbers that ESS looks at; of more, the chains are taken in groups and their ESS added


def ess_bulk(draws: np.ndarray) -> np.ndarray:
    """(d,) or 0-d: effective sample size of the bulk; 0 for chains that do not move, NaN with fewer than 4 draws."""
    return _each(draws, lambda one: _ess(one, method="bulk"))


def ess_tail(draws: np.ndarray) -> np.ndarray:
    """(d,) or 0-d: the smaller effective sample size of the 5 % and 95 % quantiles; 0 for chains that do not move."""
    return _each(draws, lambda one: _ess(one, method="tail", prob=(0.05, 0.95)))


def ess_mean(draws: np.ndarray) -> np.ndarray:
    """(d,) or 0-d: effective sample size of the mean, of the values as they are; for its standard error."""
    return _each(draws, lambda one: _ess(one, method="mean"))


def rhat(draws: np.ndarray) -> np.ndarray:
    """(d,) or 0-d: rank-normalised split R-hat; NaN with fewer than 8 draws, or where nothing moves (no spread to compare).

    One chain alone is compared with itself, quarter by quarter.
    """
    return _each(draws, _rhat)


def autocorrelation(draws: np.ndarray, lags: int | None = None) -> np.ndarray:
    """(lags,) or (lags, d): mean over chains of the autocorrelation about the mean of all chains; lag 0 first, NaN where nothing moves.

    Args:
        draws: (chains, draws) or (chains, draws, d).
        lags: how many; all if None.
    """
    n = draws.shape[1]
    off = draws - draws.mean((0, 1), keepdims=True)
    spectrum = np.abs(np.fft.rfft(off, 2 * n, axis=1)) ** 2
    summed = np.fft.irfft(spectrum.mean(0), 2 * n, axis=0)[: min(n, lags or n)]
    counted = summed / (n - np.arange(len(summed))).reshape(-1, *[1] * (summed.ndim - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counted[:1] > 0, counted / counted[:1], np.nan)


def acceptance(accepted: np.ndarray) -> np.ndarray:
    """(chains,): share of accepted proposals, from (chains, draws) bool."""
    return accepted.mean(1)


def temperature(epsilon: float, noise: float) -> float:
    """T = ε3² / (2 ε12) of MALA-approx: it samples p^(1/T) for small steps; infinite without a drift."""
    return noise**2 / (2 * epsilon) if epsilon else float("inf")


class Bias(NamedTuple):
    """How far the draws are from the truth, a number a dimension, (d,)."""

    mean: np.ndarray  # (mean of the draws - truth) in true standard deviations
    sd: np.ndarray  # sd of the draws / true sd - 1
    errors: np.ndarray  # the first in its own standard errors: beyond ±3 it is no chance

    @property
    def worst(self) -> float:
        """The largest of |mean| and |sd| over the dimensions."""
        return float(np.max(np.abs(np.concatenate([self.mean, self.sd]))))


def bias(draws: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> Bias:
    """Draws (chains, draws, d) against the true mean (d,) and covariance (d, d)."""
    flat = draws.reshape(-1, draws.shape[-1])
    true_sd = np.sqrt(np.diagonal(covariance))
    found, sd = flat.mean(0), flat.std(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = (found - mean) / (sd / np.sqrt(ess_mean(draws)))
    return Bias((found - mean) / true_sd, sd / true_sd - 1, errors)


def _each(draws: np.ndarray, measure: Any) -> np.ndarray:
    if draws.ndim == 2:
        return np.asarray(measure(draws))
    return np.array([measure(draws[..., j]) for j in range(draws.shape[-1])])


def _ess(draws: np.ndarray, **method: Any) -> float:
    from arviz_stats.base.array import array_stats

    chains, n = draws.shape
    if n < FEWEST or not np.isfinite(draws).all():
        return float("nan")
    if np.ptp(draws) == 0:
        return 0.0
    parts = max(1, -(-chains * n // _AT_ONCE))
    total = 0.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for part in np.array_split(draws, min(parts, chains)):
            found: Any = array_stats.ess(part, chain_axis=0, draw_axis=1, **method)
            total += 0.0 if np.ptp(part) == 0 else float(found)
    return total


def _rhat(draws: np.ndarray) -> float:
    from arviz_stats.base.array import array_stats

    if draws.shape[1] < 2 * FEWEST or not np.isfinite(draws).all() or np.ptp(draws) == 0:
        return float("nan")
    if len(draws) == 1:
        draws = draws[:, : draws.shape[1] // 2 * 2].reshape(2, -1)
    thin = max(1, -(-draws.size // _AT_ONCE))
    chosen = draws[:, ::thin] if draws.shape[1] // thin >= 50 else draws[:: max(1, thin)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found: Any = array_stats.rhat(chosen, chain_axis=0, draw_axis=1)
        return float(found)
