# SPDX-License-Identifier: Apache-2.0
"""Methods for classes with few faces (disgust is 1.5 % of FER2013).

* ``oversample``: their faces are repeated until the class has a quarter of the commonest one's;
  augmentation makes each repetition another image;
* ``generated``: as many faces are added, drawn by a small generator (:mod:`training.generator`);
* ``balanced_loss``: a face's loss weighs more in a small class, by the effective number of faces
  (Y. Cui et al. 2019);
* ``logit_adjusted``: the logarithm of each class's share is added to the FER2013 logits in the
  loss alone, so that the network need not learn it (A. K. Menon et al. 2021).
"""

from fer_ros.emotions.labels import LABELS
import numpy as np

from .datasets import concatenate, Dataset

RARE_CLASSES = ('none', 'oversample', 'generated', 'balanced_loss', 'logit_adjusted')

#: Classes with less than this share of the commonest one's faces are rare.
_RARE_SHARE = 0.25
#: The effective number of n faces is (1 - beta ** n) / (1 - beta).
_BETA = 0.9999


def counts(dataset: Dataset) -> np.ndarray:
    """Return the number of faces of each class, int64 ``(7,)``."""
    return np.bincount(dataset.labels, minlength=len(LABELS))


def missing(dataset: Dataset) -> dict[int, int]:
    """Return how many faces each rare class lacks, by class; a class without any stays so."""
    have = counts(dataset)
    wanted = int(_RARE_SHARE * have.max())
    return {label: wanted - int(count) for label, count in enumerate(have) if 0 < count < wanted}


def oversampled(dataset: Dataset, seed: int) -> Dataset:
    """Return the faces with those of rare classes repeated, each about as often."""
    rows = [np.arange(len(dataset))]
    generator = np.random.default_rng(seed)
    for label, count in missing(dataset).items():
        own = np.flatnonzero(dataset.labels == label)
        rows.append(np.resize(generator.permutation(own), count))
    return dataset.subset(np.concatenate(rows))


def extended(dataset: Dataset, images: np.ndarray, labels: np.ndarray) -> Dataset:
    """Return the faces and generated ones, which have no votes and do not train FER+."""
    votes = None if dataset.votes is None else np.zeros((len(labels), dataset.votes.shape[1]),
                                                        dataset.votes.dtype)
    names = tuple(f'generated_{i}' for i in range(len(labels)))
    return concatenate([dataset, Dataset(images, labels, votes, names)])


def balanced_weights(labels: np.ndarray) -> np.ndarray:
    """Return a weight for each face, float32, 1 on average."""
    have = np.bincount(labels, minlength=len(LABELS))
    weights = ((1 - _BETA) / (1 - _BETA ** np.maximum(have, 1)))[labels]
    return (weights / weights.mean()).astype(np.float32)


def log_shares(labels: np.ndarray) -> np.ndarray:
    """Return the logarithm of each class's share, float32 ``(7,)``; absent classes count once."""
    have = np.maximum(np.bincount(labels, minlength=len(LABELS)), 1)
    return np.log(have / have.sum()).astype(np.float32)
