# SPDX-License-Identifier: Apache-2.0
"""Augmentation in processes of its own, for a machine that trains faster than a core augments."""

from concurrent.futures import Future, ProcessPoolExecutor
import multiprocessing
import signal

import cv2
import numpy as np

from .augmentation import augment, Augmentation

#: Batches that each process has to do at a time: one to compute, others so that it never waits.
_AHEAD = 3

#: The data set's images in a worker process.
_images: np.ndarray


class AugmentedBatches:
    """Augmented batches of a data set, the next ones computed in advance.

    A batch depends on its key and rows alone, not on the number of processes.
    """

    def __init__(self, images: np.ndarray, config: Augmentation | None, workers: int):
        """Start the processes.

        :param images: uint8 ``(n, side, side)``.
        :param config: None: no augmentation, and no processes.
        :param workers: their number; 0: batches are augmented as they are asked for.
        """
        self._images = images
        self._config = config
        self._ahead = workers * _AHEAD if config else 0
        self._pending: dict[tuple[int, ...], Future] = {}
        # The training process has threads and a GPU, which a fork would not survive.
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context('spawn'), _start_worker,
            (images,)) if self._ahead else None

    def get(self, batches: list[tuple[tuple[int, ...], np.ndarray]]) -> tuple[
            np.ndarray, np.random.Generator]:
        """Return a batch.

        :param batches: key (the seed of its random numbers) and rows of the batch, then of those
            that are likely to be asked for next.
        :returns: uint8 ``(rows, side, side)``, and the generator for further random numbers.
        """
        if self._pool is None:
            key, rows = batches[0]
            return _augmented(self._images[rows], self._config, key)
        wanted = dict(batches[:1 + self._ahead])
        for key in self._pending.keys() - wanted.keys():
            self._pending.pop(key).cancel()
        for key, rows in wanted.items():
            if key not in self._pending:
                self._pending[key] = self._pool.submit(_work, rows, self._config, key)
        return self._pending.pop(batches[0][0]).result()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _augmented(images: np.ndarray, config: Augmentation | None,
               key: tuple[int, ...]) -> tuple[np.ndarray, np.random.Generator]:
    generator = np.random.default_rng(key)
    return images if config is None else augment(images, config, generator), generator


def _start_worker(images: np.ndarray) -> None:
    global _images
    _images = images
    # Ctrl-C in a terminal reaches all: the training ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _work(rows: np.ndarray, config: Augmentation,
          key: tuple[int, ...]) -> tuple[np.ndarray, np.random.Generator]:
    return _augmented(_images[rows], config, key)
