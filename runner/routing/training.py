"""Trains the router's classifier with scikit-learn, and measures it on prompts of authors that it has not seen.

Trained on: the patterns (teaching.txt) and the labelled prompts of prompts.csv. Each author of prompts.csv is left out
once, which gives the accuracy to expect on an unseen author and the logits on which the temperature is fitted. An
author `b+d` is b, who had read the prompts of d: what they wrote is left out with either of them.
"""

import csv
import hashlib
import importlib
import json
import math
import zlib
from array import array
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from runner.errors import ConfigError
from runner.routing.classifier import Classifier, feature_names, read_weights
from runner.routing.features import features_of, weighted
from runner.routing.intents import INTENTS
from runner.routing.teaching import Prompt, taught
from runner.routing.tokens import Reading, read_prompt
from schemas.route import Intent
from servers.machine.store import write_atomic

__all__ = [
    "PROMPTS",
    "Tested",
    "Trained",
    "differences",
    "digest",
    "expected_calibration_error",
    "measure",
    "read_prompts",
    "train",
    "write_weights",
]

PROMPTS = Path(__file__).with_name("prompts.csv")
"""The labelled prompts that are trained on, written by hand by several authors."""
STRENGTH = 10.0
"""Inverse of the regularisation."""
SEEN_AT_LEAST = (3, 30)
"""A feature counts when so many prompts have it: words, ideas and form; and parts of words."""
BINS = 10
"""Bins of the expected calibration error."""
HAND_WEIGHT = 5.0
"""A prompt written by hand counts as so many that were made of patterns."""


class Tested(NamedTuple):
    """How a classifier did on prompts."""

    right: int
    of: int
    low: float
    """Lower end of the 95% interval of the accuracy (Wilson)."""
    high: float
    calibration_error: float

    @property
    def accuracy(self) -> float:
        """Share of right intents."""
        return self.right / self.of if self.of else 0.0


class Trained(NamedTuple):
    """The weights as they are shipped, and what the cross-validation said."""

    data: Mapping[str, Any]
    by_author: Mapping[str, Tested]
    """Author -> the accuracy when trained without that author."""
    all_authors: Tested
    conflicts: Tested
    """The prompts with words of other intents among them."""


class _Fit(NamedTuple):
    features: tuple[str, ...]
    seen: Mapping[str, int]
    prompts: int
    rows: Any
    """Array: intents x features."""
    intercepts: tuple[float, ...]


class _Guess(NamedTuple):
    prompt: Prompt
    logits: tuple[float, ...]


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read labelled prompts from a CSV file with the columns prompt, intent, conflict, author, template.

    Raises:
        ConfigError: the file cannot be read, or an intent in it is unknown.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        found = [
            Prompt(row["prompt"], row["intent"], row["conflict"] == "1", row["author"], row["template"])
            for row in lines
        ]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(
            f"the prompts in {path} cannot be read ({error}); "
            "write a CSV file with the columns prompt,intent,conflict,author,template"
        ) from error
    unknown = sorted({prompt.intent for prompt in found} - set(INTENTS))
    if unknown:
        raise ConfigError(f"{path} has the unknown intents {', '.join(unknown)}; there are {', '.join(INTENTS)}")
    return tuple(found)


def train(
    prompts: Sequence[Prompt],
    *,
    patterned: Sequence[Prompt] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train on the patterns (or other prompts that are always trained on) and `prompts`.

    The same input gives the same weights.

    Raises:
        ConfigError: scikit-learn is not installed, or the prompts are of one author only.
    """
    _part("sklearn.linear_model")
    always = taught(INTENTS) if patterned is None else patterned
    authors = sorted({_writer(prompt) for prompt in prompts})
    if not authors:
        raise ConfigError("there are no prompts written by hand; give a CSV file of them")
    guesses: list[_Guess] = []
    for author in authors:
        tell(f"without the author {author}")
        fit = _fit([*always, *(prompt for prompt in prompts if author not in prompt.author.split("+"))])
        guesses += _guess(fit, [prompt for prompt in prompts if _writer(prompt) == author])
    temperature = _temperature(guesses)
    tell("with all authors")
    data = _data(_fit([*always, *prompts]), temperature, digest([*always, *prompts]))
    return Trained(
        data,
        {name: _tested([guess for guess in guesses if _writer(guess.prompt) == name], temperature) for name in authors},
        _tested(guesses, temperature),
        _tested([guess for guess in guesses if guess.prompt.conflict], temperature),
    )


def measure(classifier: Classifier, prompts: Sequence[Prompt]) -> Tested:
    """Return how a classifier does on prompts that it was not trained on."""
    guesses: list[_Guess] = []
    for prompt in prompts:
        logits = classifier.judge(read_prompt(prompt.text)).logits
        guesses.append(_Guess(prompt, tuple(logits[intent] for intent in INTENTS)))
    return _tested(guesses, classifier.temperature)


def differences(new: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Say in what the weights of a file differ from newly trained ones; nothing when they are the same.

    Other versions of the numeric libraries may round differently: a weight may differ by two of its smallest units.
    """
    read_weights(path)
    old = json.loads(path.read_text(encoding="utf-8"))
    found = [name for name in ("version", "intents", "prompts", "prompts_sha256", "seen") if old.get(name) != new[name]]
    if feature_names(old["features"]) != feature_names(new["features"]):
        found.append("features")
    if not found:
        told, fresh = (array("b", b64decode(data["weights"])) for data in (old, new))
        units = max(abs(left - right) for left, right in zip(told, fresh, strict=True))
        found += [f"weights (by {units} units)"] if units > 2 else []
        found += ["scale"] if abs(old["scale"] / new["scale"] - 1) > 0.02 else []
        found += ["temperature"] if abs(old["temperature"] / new["temperature"] - 1) > 0.02 else []
    return tuple(found)


def expected_calibration_error(sure: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean distance between how sure and how often right, over bins of equal width, in [0, 1]."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for value, hit in zip(sure, right, strict=True):
        bins.setdefault(min(BINS - 1, int(value * BINS)), []).append((value, hit))
    total = sum(abs(sum(value for value, _ in items) - sum(hit for _, hit in items)) for items in bins.values())
    return total / len(sure) if sure else 0.0


def _part(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            "training needs scikit-learn; install it with `uv pip install 'afs-suite[train-router]'`"
        ) from error


def _writer(prompt: Prompt) -> str:
    return prompt.author.partition("+")[0]


def digest(prompts: Sequence[Prompt]) -> str:
    """Return the SHA-256 of prompts with their intents: what a set of weights was trained on."""
    told = "\x00".join(f"{prompt.intent}\x01{prompt.text}" for prompt in prompts)
    return hashlib.sha256(told.encode()).hexdigest()


def _fit(prompts: Sequence[Prompt]) -> _Fit:
    readings = [read_prompt(prompt.text) for prompt in prompts]
    counts = Counter(name for reading in readings for block in features_of(reading).values() for name in block)
    names = tuple(sorted(name for name, count in counts.items() if count >= SEEN_AT_LEAST[name[:2] == "p:"]))
    matrix = _matrix(readings, names, counts, len(prompts))
    labels = [INTENTS.index(cast(Intent, prompt.intent)) for prompt in prompts]
    weights = [1.0 if prompt.author == "patterns" else HAND_WEIGHT for prompt in prompts]
    model = _part("sklearn.linear_model").LogisticRegression(C=STRENGTH, max_iter=500, class_weight="balanced")
    model.fit(matrix, labels, sample_weight=weights)
    return _Fit(
        names,
        {name: counts[name] for name in names},
        len(prompts),
        model.coef_,
        tuple(float(value) for value in model.intercept_),
    )


def _matrix(readings: Sequence[Reading], names: Sequence[str], counts: Mapping[str, int], prompts: int) -> Any:
    places = {name: place for place, name in enumerate(names)}
    idf = partial(_idf, places, counts, prompts)
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for reading in readings:
        found = weighted(reading, idf)
        values += found.values()
        columns += (places[name] for name in found)
        ends.append(len(values))
    return _part("scipy.sparse").csr_matrix((values, columns, ends), shape=(len(readings), len(names)))


def _idf(places: Mapping[str, int], counts: Mapping[str, int], prompts: int, name: str) -> float:
    return 1.0 + math.log((1 + prompts) / (1 + counts[name])) if name in places else 0.0


def _guess(fit: _Fit, prompts: Sequence[Prompt]) -> list[_Guess]:
    matrix = _matrix([read_prompt(prompt.text) for prompt in prompts], fit.features, fit.seen, fit.prompts)
    table = matrix @ fit.rows.T
    return [
        _Guess(prompt, tuple(float(value) + shift for value, shift in zip(row, fit.intercepts, strict=True)))
        for prompt, row in zip(prompts, table, strict=True)
    ]


def _temperature(guesses: Sequence[_Guess]) -> float:
    """Return the temperature, of 0.30 to 3.00, at which the right intents are the least surprising.

    Every author weighs the same, however many prompts they wrote.
    """

    weights = Counter(_writer(guess.prompt) for guess in guesses)

    def surprise(temperature: float) -> float:
        return -sum(
            math.log(max(1e-9, _softmax(guess.logits, temperature)[INTENTS.index(cast(Intent, guess.prompt.intent))]))
            / weights[_writer(guess.prompt)]
            for guess in guesses
        )

    return min((step / 100 for step in range(30, 301)), key=surprise)


def _softmax(logits: Sequence[float], temperature: float) -> list[float]:
    top = max(logits)
    values = [math.exp((value - top) / temperature) for value in logits]
    return [value / sum(values) for value in values]


def _tested(guesses: Sequence[_Guess], temperature: float) -> Tested:
    sure: list[float] = []
    right: list[bool] = []
    for guess in guesses:
        shares = _softmax(guess.logits, temperature)
        sure.append(max(shares))
        right.append(INTENTS[shares.index(max(shares))] == guess.prompt.intent)
    if not guesses:
        return Tested(0, 0, 0.0, 1.0, 0.0)
    interval = _part("scipy.stats").binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    return Tested(
        sum(right), len(right), float(interval.low), float(interval.high), expected_calibration_error(sure, right)
    )


def _data(fit: _Fit, temperature: float, digest: str) -> Mapping[str, Any]:
    scale = float(abs(fit.rows).max()) / 127
    units = [
        round(float(fit.rows[row][place]) / scale) for place in range(len(fit.features)) for row in range(len(INTENTS))
    ]
    return {
        "version": 1,
        "about": "written by `afs agent train-router`; `afs agent train-router --check` compares",
        "intents": list(INTENTS),
        "prompts": fit.prompts,
        "prompts_sha256": digest,
        "temperature": temperature,
        "scale": round(scale, 9),
        "intercepts": [round(value, 4) for value in fit.intercepts],
        "seen": [fit.seen[name] for name in fit.features],
        "features": b64encode(zlib.compress("\n".join(fit.features).encode("ascii"), 9)).decode("ascii"),
        "weights": b64encode(array("b", units).tobytes()).decode("ascii"),
    }


def write_weights(data: Mapping[str, Any], path: Path) -> None:
    """Write trained weights, one field a line."""
    lines = [f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in data.items()]
    write_atomic(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii"))
    path.chmod(0o644)  # data for everybody, where an atomic write makes a private file
