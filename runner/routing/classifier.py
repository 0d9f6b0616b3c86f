"""The trained classifier: weights shipped as data, weighed in plain Python.

`weights.json` holds, for each feature of features.py, in how many training prompts it occurs and one weight an
intent; `afs agent train-router` writes it. The probabilities are calibrated by one temperature.
"""

import json
import math
import zlib
from array import array
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import ConfigError
from runner.routing.features import weighted
from runner.routing.intents import INTENTS
from runner.routing.tokens import Reading
from schemas.route import Intent

__all__ = ["WEIGHTS", "Classifier", "Judgement", "Telling", "feature_names", "load_classifier", "read_weights"]

WEIGHTS = Path(__file__).with_name("weights.json")
"""The shipped weights."""


class Telling(NamedTuple):
    """A feature and how far it speaks for an intent (in logits, against the mean of all intents)."""

    feature: str
    weight: float


class Judgement(NamedTuple):
    """What the classifier makes of a prompt."""

    logits: Mapping[Intent, float]
    probabilities: Mapping[Intent, float]
    features: Mapping[str, float]


class Classifier(NamedTuple):
    """Weights of all features for all intents."""

    places: Mapping[str, int]
    """Feature -> its row."""
    idf: tuple[float, ...]
    rows: "array[int]"
    """One weight for each feature and intent, row by row, in units of `scale`."""
    scale: float
    intercepts: tuple[float, ...]
    temperature: float

    def judge(self, reading: Reading) -> Judgement:
        """Return the logits and the calibrated probability of each intent; these add up to 1."""
        features = weighted(reading, self._idf)
        logits = list(self.intercepts)
        for name, value in features.items():
            start = self.places[name] * len(INTENTS)
            factor = value * self.scale
            for place in range(len(INTENTS)):
                logits[place] += factor * self.rows[start + place]
        top = max(logits)
        exponents = [math.exp((logit - top) / self.temperature) for logit in logits]
        total = sum(exponents)
        return Judgement(
            dict(zip(INTENTS, logits, strict=True)),
            {intent: value / total for intent, value in zip(INTENTS, exponents, strict=True)},
            features,
        )

    def telling(self, judgement: Judgement, intent: Intent, *, limit: int = 6) -> tuple[Telling, ...]:
        """Return the features that spoke most for `intent`, the strongest first."""
        column = INTENTS.index(intent)
        found: list[Telling] = []
        for name, value in judgement.features.items():
            start = self.places[name] * len(INTENTS)
            row = self.rows[start : start + len(INTENTS)]
            found.append(Telling(name, value * self.scale * (row[column] - sum(row) / len(row))))
        found.sort(key=lambda item: (-item.weight, item.feature))
        return tuple(item for item in found[:limit] if item.weight > 0)

    def _idf(self, feature: str) -> float:
        place = self.places.get(feature)
        return 0.0 if place is None else self.idf[place]


@cache
def load_classifier() -> Classifier:
    """Return the shipped classifier; it is read once.

    Raises:
        ConfigError: its file is missing or damaged.
    """
    return read_weights(WEIGHTS)


def read_weights(path: Path) -> Classifier:
    """Read a classifier from its file.

    Raises:
        ConfigError: it is missing or damaged.
    """
    try:
        return _classifier(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise ConfigError(
            f"the weights of the router in {path} cannot be read ({error}); "
            "install the suite again, or write them with `afs agent train-router`"
        ) from error


def feature_names(packed: str) -> list[str]:
    """Return the names of the features from their place in a file of weights (zlib, base64)."""
    return zlib.decompress(b64decode(packed)).decode("ascii").split("\n")


def _classifier(data: Mapping[str, Any]) -> Classifier:
    names = feature_names(data["features"])
    if tuple(data["intents"]) != INTENTS:
        raise ValueError("they are for other intents")
    rows = array("b", b64decode(data["weights"]))
    if len(rows) != len(names) * len(INTENTS) or len(data["seen"]) != len(names):
        raise ValueError("the number of weights is wrong")
    prompts = int(data["prompts"])
    return Classifier(
        {name: place for place, name in enumerate(names)},
        tuple(1.0 + math.log((1 + prompts) / (1 + int(count))) for count in data["seen"]),
        rows,
        float(data["scale"]),
        tuple(float(value) for value in data["intercepts"]),
        float(data["temperature"]),
    )
