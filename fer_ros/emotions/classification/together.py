# SPDX-License-Identifier: Apache-2.0
"""Run a network and its companion, a further file, as one: their outputs are averaged."""

from collections.abc import Sequence

from fer_ros.errors import ConfigurationError
from fer_ros.files import checksum
import numpy as np

from .metadata import load_metadata, MODEL_DIR, ModelMetadata
from .runtimes import Acceleration, load, Runtime


def load_companion(metadata: ModelMetadata) -> tuple[ModelMetadata, bytes]:
    """Return the companion that ``together_with`` names, and its weights.

    It is looked for beside the metadata, then among the shipped models.

    :raises ConfigurationError: when it is missing, is not the file that was meant, or does not
        fit the network.
    """
    file, sha256 = metadata.together_with.file, metadata.together_with.sha256
    where = f'{metadata.source}: together_with.file is {file!r}'
    folders = (metadata.source.parent, MODEL_DIR)
    path = next((folder / file for folder in folders if (folder / file).is_file()), None)
    if path is None:
        raise ConfigurationError(f'{where}, which is neither in {folders[0]} nor in {folders[1]}: '
                                 'copy it, and its metadata, there')
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f'{where}: {path} cannot be read ({error.strerror})') from error
    digest = checksum(content)
    if digest != sha256:
        raise ConfigurationError(f'{where}, but the SHA-256 of {path} is {digest[:12]}..., '
                                 f'expected {sha256[:12]}...: the file is damaged, or another '
                                 'version')
    companion = load_metadata(path)
    if companion.together_with:
        raise ConfigurationError(f'{where}, which has a companion itself: use a single network')
    theirs = _interface(companion, metadata)
    for what, ours in _interface(metadata, metadata).items():
        if theirs[what] != ours:
            raise ConfigurationError(f'{where}, whose {what} is {theirs[what]!r}, expected '
                                     f'{ours!r} as for {metadata.name}')
    return companion, content


def _interface(metadata: ModelMetadata, like: ModelMetadata) -> dict:
    """Return what two networks must have in common, for the label sets of ``like``."""
    found = {'input': metadata.input, 'valence': metadata.valence, 'arousal': metadata.arousal}
    for name in like.label_sets:
        entry = metadata.label_sets.get(name)
        found[f'label set {name}'] = entry and (entry.output, entry.activation, *entry.labels)
    return found


class Together(Runtime):
    """A network and its companion; every output is the mean of theirs.

    :param own: the loaded network.
    :param outputs: its outputs that are used; the companion must have the same.
    :raises ConfigurationError: when the companion cannot be used.
    """

    def __init__(self, own: Runtime, metadata: ModelMetadata, outputs: Sequence[str],
                 acceleration: Acceleration):
        super().__init__()
        companion, content = load_companion(metadata)
        other = load(companion.path, content, acceleration)
        theirs = {name: other.output_shapes.get(name) for name in outputs}
        ours = {name: own.output_shapes[name] for name in outputs}
        if (other.input_shape, theirs) != (own.input_shape, ours):
            raise ConfigurationError(
                f'{metadata.source}: together_with.file is {companion.path.name!r}, whose input '
                f'and outputs are {other.input_shape} and {theirs}, expected {own.input_shape} '
                f'and {ours} as for {metadata.name}')
        self._members = own, other
        self.input_shape, self.output_shapes = own.input_shape, own.output_shapes
        self.metadata = own.metadata
        self.description = f'{own.description}, together with {companion.name}'
        self.warnings = list(dict.fromkeys([*own.warnings, *other.warnings]))

    def run(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the mean of the named outputs."""
        return [(ours + theirs) / 2
                for ours, theirs in zip(*(member.run(images, outputs)
                                          for member in self._members))]
