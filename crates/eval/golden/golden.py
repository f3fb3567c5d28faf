#!/usr/bin/env python3
"""Writes golden.json: small data sets and their figures by scikit-learn, scipy and numpy.

Run it as `python3 crates/eval/golden/golden.py`. It installs its packages from PyPI into target/golden the first time.
The Rust test `golden` compares. The standard errors have no implementation in these packages, so they are computed here
in another way than in Rust: from all pairs, as their papers define them.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = HERE.parents[2] / "target" / "golden"
VERSIONS = ["scikit-learn==1.9.0", "scipy", "numpy"]

if not (PACKAGES / "sklearn").exists():
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PACKAGES), *VERSIONS], check=True
    )
sys.path.insert(0, str(PACKAGES))

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from scipy import optimize, stats  # noqa: E402
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score  # noqa: E402

CLIP = 0.005


def psi(a, b):
    return (a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :])


def obuchowski(columns, y, entity):
    """The covariance matrix of the areas of several columns, from all pairs, clustered by entity."""
    names = sorted(set(entity))
    entity = np.array([names.index(each) for each in entity])
    m, n = int(y.sum()), int((1 - y).sum())
    events, others = entity[y == 1], entity[y == 0]
    areas, x_sums, y_sums = [], [], []
    for p in columns:
        pairs = psi(p[y == 1], p[y == 0])
        areas.append(pairs.mean())
        v10, v01 = pairs.mean(axis=1), pairs.mean(axis=0)
        x_sums.append([v10[events == e].sum() - (events == e).sum() * pairs.mean() for e in range(len(names))])
        y_sums.append([v01[others == e].sum() - (others == e).sum() * pairs.mean() for e in range(len(names))])
    x, z = np.array(x_sums), np.array(y_sums)
    i10, i01, i = len(set(events)), len(set(others)), len(names)
    s10 = i10 / ((i10 - 1) * m) * x @ x.T
    s01 = i01 / ((i01 - 1) * n) * z @ z.T
    s11 = i / (i - 1) * (x @ z.T)
    return np.array(areas), s10 / m + s01 / n + (s11 + s11.T) / (m * n)


def ece(p, y):
    edges = np.percentile(p, np.arange(10, 100, 10))
    number = (p[:, None] > edges[None, :]).sum(axis=1)
    error = floor = 0.0
    bins = []
    for b in sorted(set(number)):
        inside = number == b
        k, mean, rate = int(inside.sum()), p[inside].mean(), y[inside].mean()
        error += k / len(p) * abs(mean - rate)
        floor += k / len(p) * np.sqrt(2 / np.pi * (p[inside] * (1 - p[inside])).mean() / k)
        bins.append({"n": k, "mean": mean, "rate": rate})
    return error, floor, bins


def wilson(k, n):
    interval = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high


def recalibration(p, y):
    """The unpenalized logistic regression, solved to the last digit as scikit-learn's optimizer is not."""
    p = np.clip(p, CLIP, 1 - CLIP)
    logit = np.log(p / (1 - p))

    def gradient(b):
        residual = 1 / (1 + np.exp(-(b[0] + b[1] * logit))) - y
        return [residual.sum(), (residual * logit).sum()]

    return optimize.root(gradient, [0.0, 1.0], tol=1e-14).x


def brier_error(p, y, entity):
    squares = (p - y) ** 2
    centred = squares - squares.mean()
    names = sorted(set(entity))
    sums = np.array([centred[[e == name for e in entity]].sum() for name in names])
    return np.sqrt(len(names) / (len(names) - 1) * (sums**2).sum()) / len(p)


def figures(rows):
    p = np.array([row["score"] / 100 for row in rows])
    y = np.array([row["outcome"] for row in rows])
    entity = [row.get("entity", f"row {number}") for number, row in enumerate(rows)]
    areas, covariance = obuchowski([p], y, entity)
    assert abs(areas[0] - roc_auc_score(y, p)) < 1e-14
    error, floor, bins = ece(p, y)
    intercept, slope = recalibration(p, y)
    rate = y.mean()
    low, high = wilson(int(y.sum()), len(y))
    se = np.sqrt(covariance[0, 0])
    result = {
        "n": len(y), "entities": len(set(entity)), "events": int(y.sum()),
        "base_rate": rate, "base_rate_low": low, "base_rate_high": high,
        "auc": roc_auc_score(y, p), "auc_se": se,
        "auc_low": max(0, areas[0] - stats.norm.ppf(0.975) * se), "auc_high": min(1, areas[0] + stats.norm.ppf(0.975) * se),
        "brier": brier_score_loss(y, p), "brier_se": brier_error(p, y, entity),
        "brier_skill": 1 - brier_score_loss(y, p) / (rate * (1 - rate)),
        "log_loss": log_loss(y, np.clip(p, CLIP, 1 - CLIP)),
        "ece": error, "ece_floor": floor, "bins": bins,
        "recalibration": {"slope": slope, "intercept": intercept},
    }
    if "baseline" in rows[0]:
        q = np.array([row["baseline"] / 100 for row in rows])
        areas, covariance = obuchowski([p, q], y, entity)
        difference = areas[0] - areas[1]
        se = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        shift = 100 * (p - q)
        result["paired"] = {
            "auc_difference": difference, "se": se, "p": 2 * stats.norm.sf(abs(difference / se)),
            "brier_difference": brier_score_loss(y, p) - brier_score_loss(y, q),
            "spearman": stats.spearmanr(p, q).statistic, "kendall_tau_b": stats.kendalltau(p, q).statistic,
            "mean_shift": shift.mean(), "mean_abs_shift": abs(shift).mean(),
            "ks": stats.ks_2samp(p, q).statistic,
        }
    return result


def rows_of(seed, n, whole, entities=None, baseline=False, skew=0.0):
    random = np.random.default_rng(seed)
    hidden = random.normal(size=n)
    owner = random.integers(0, entities, size=n) if entities else None
    if entities:
        hidden = hidden / 2 + random.normal(size=entities)[owner]
    chance = 1 / (1 + np.exp(-(hidden * 1.3 - 1)))
    outcome = (random.random(n) < chance).astype(int)
    score = 100 / (1 + np.exp(-(hidden + random.normal(size=n) * 0.7 + skew)))
    other = 100 / (1 + np.exp(-(hidden * 0.5 + random.normal(size=n))))
    score = np.round(score) if whole else np.round(score, 3)
    rows = []
    for i in range(n):
        row = {"score": float(score[i]), "outcome": int(outcome[i])}
        if entities:
            row["entity"] = f"stu_{owner[i]}"
        if baseline:
            row["baseline"] = float(np.round(other[i]))
        rows.append(row)
    return rows


CASES = {
    "fine scores": rows_of(1, 400, whole=False),
    "whole scores with ties": rows_of(2, 300, whole=True),
    "few values": [{**row, "score": 5.0 * round(row["score"] / 20)} for row in rows_of(3, 500, whole=True)],
    "scores at both ends": [{**row, "score": float(np.clip(row["score"] * 2 - 50, 0, 100))} for row in rows_of(4, 250, whole=True)],
    "several rows of each entity": rows_of(5, 360, whole=True, entities=60),
    "with a baseline": rows_of(6, 350, whole=True, baseline=True),
    "several rows of each entity, with a baseline": rows_of(7, 300, whole=False, entities=45, baseline=True),
    "scores that are too high": rows_of(8, 200, whole=True, skew=1.5),
}

if __name__ == "__main__":
    golden = {
        "made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "cases": [{"name": name, "rows": rows, "figures": figures(rows)} for name, rows in CASES.items()],
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")
