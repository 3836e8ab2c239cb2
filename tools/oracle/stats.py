"""Statistics of random runs by SciPy, statsmodels and MNE, for `tests/it/stats.rs`.

usage: python tools/oracle/stats.py > tests/it/stats.json
Needs numpy, scipy, statsmodels, mne.
"""

import itertools
import json
import warnings

import mne
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

warnings.filterwarnings("ignore")
mne.set_log_level("ERROR")
rng = np.random.default_rng(20210602)


def number(x):
    x = float(x)
    return x if np.isfinite(x) else None


def differences(n, kind):
    if kind == "ties":
        return rng.integers(-2, 3, n).astype(float)
    if kind == "same":
        return np.full(n, 0.25)
    if kind == "zero":
        return np.zeros(n)
    return rng.normal(0.3, 1.0, n)


def flips(d):
    """All signs, by hand: SciPy leaves out zeros and needs two samples."""
    observed = abs(d.sum())
    slack = 1e-12 * np.abs(d).sum()
    sums = [abs(np.dot(signs, d)) for signs in itertools.product([1, -1], repeat=len(d))]
    return sum(s >= observed - slack for s in sums) / len(sums)


paired = []
for n in list(range(1, 17)) + [20]:
    for kind in ["normal", "ties", "same", "zero"]:
        d = differences(n, kind)
        case = {"d": d.tolist(), "kind": kind}
        if n > 1:
            test = stats.ttest_rel(d, np.zeros(n))
            case["t_p"] = number(test.pvalue)
            for level in [0.9, 0.95, 0.99]:
                interval = test.confidence_interval(level)
                case[f"interval_{level}"] = [number(interval.low), number(interval.high)]
        if n <= 12:
            case["flip_p"] = flips(d)
        if 1 < n <= 12 and kind == "normal":
            test = stats.permutation_test(
                (d, np.zeros(n)), lambda x, y, axis: np.sum(x - y, axis=axis), vectorized=True,
                permutation_type="samples", n_resamples=np.inf)
            case["scipy_flip_p"] = number(test.pvalue)
        paired.append(case)

welch = []
for n, m in [(2, 2), (2, 7), (3, 3), (5, 4), (10, 10), (20, 3)]:
    for spread in [0.1, 1.0, 10.0]:
        a, b = rng.normal(1, 1, n), rng.normal(0.5, spread, m)
        test = stats.ttest_ind(a, b, equal_var=False)
        interval = test.confidence_interval(0.95)
        welch.append({"a": a.tolist(), "b": b.tolist(), "p": number(test.pvalue), "df": number(test.df),
                      "interval": [number(interval.low), number(interval.high)]})

families = []
for n in [3, 4, 5, 6, 8, 10]:
    for m in [1, 2, 5]:
        data = rng.normal(0.5, 1.0, (n, m)) + rng.normal(0, 0.5, (n, 1))
        p = mne.stats.permutation_t_test(data, n_permutations="all", tail=0)[1] if n > 3 else None
        # MNE counts each pair of opposite signs once, and draws none where all are wanted.
        t = lambda x: np.abs(x.mean(0) / (x.std(0, ddof=1) / np.sqrt(n)))
        observed = t(data)
        largest = [t(data * np.array(s)[:, None]).max() for s in itertools.product([1, -1], repeat=n)]
        by_hand = [float(np.mean([x >= o * (1 - 1e-10) for x in largest])) for o in observed]
        families.append({"d": data.T.tolist(), "p": by_hand, "mne": None if p is None else p.tolist()})

holm = []
for m in [1, 2, 5, 12]:
    p = np.round(rng.uniform(0, 0.2, m), 2)
    holm.append({"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()})

mcnemar = []
for one, other in [(0, 0), (0, 1), (5, 0), (3, 4), (12, 30), (700, 900), (0, 2000), (5000, 5001), (40, 4000)]:
    p = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    mcnemar.append({"counts": [one, other], "p": number(p)})

correlations = []
for n in [2, 3, 10]:
    a, b = rng.normal(0, 1, n), rng.normal(0, 1, n)
    correlations.append({"a": a.tolist(), "b": b.tolist(), "r": number(stats.pearsonr(a, b)[0])})

print(json.dumps({
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__,
                 "mne": mne.__version__},
    "paired": paired, "welch": welch, "families": families, "holm": holm, "mcnemar": mcnemar,
    "correlations": correlations,
}))
