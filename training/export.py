# SPDX-License-Identifier: Apache-2.0
"""Export a trained model to LiteRT (and ONNX) with its metadata, each checked against Keras."""

from dataclasses import asdict, replace
import hashlib
import importlib
import json
import os
from pathlib import Path
import shutil
import tempfile

from fer_ros.emotions.classification import EmotionClassifier, METADATA_FORMAT, MODEL_DIR
from fer_ros.emotions.contrast import even_contrast
from fer_ros.emotions.labels import LABELS
import keras
import numpy as np

from . import heads, networks, recipes
from .datasets import Dataset, FERPLUS_LABELS, has_votes, split_holdout
from .duplicates import find
from .metrics import calibrate, ferplus_majority, label_targets, poststratification_weights
from .readings import neutral_reading, training_shares
from .runs import ExportError, TrainedModel

LITERT_VARIANTS = ('float32', 'float16', 'int8')
VARIANTS = (*LITERT_VARIANTS, 'onnx', 'keras')
_SUFFIXES = {'onnx': '.onnx', 'keras': '.keras'}
_HEAD_LABELS = {'fer2013': LABELS, 'ferplus': FERPLUS_LABELS}

#: Faces that set the ranges of the int8 activations.
_REPRESENTATIVE_FACES = 512


def export(trained: TrainedModel, folder: Path, training_data: Dataset, check: Dataset, *,
           variants: tuple[str, ...] = LITERT_VARIANTS, default_label_set: str = 'ferplus',
           fit_heads: bool = True, holdout: float = 0.05, seed: int = 1,
           even: bool = True, companion: str | os.PathLike = '') -> list[dict]:
    """Write ``<name>_<variant>`` files with their metadata and return what each check found.

    Nothing is written when a check fails.

    :param training_data: the faces it was trained on; their held-out part (the recipe's, or
        ``holdout`` and ``seed`` for an imported model) without copies of the others sets
        temperature and threshold, the others the int8 ranges.
    :param fit_heads: also let each of two heads read the other (:mod:`training.heads`), where
        that reads held-out faces better.
    :param check: faces on which every file is compared with the Keras model.
    :param even: let the classifier even out the contrast of flat faces
        (:mod:`fer_ros.emotions.contrast`), in use and in all that is fitted and checked here.
    :param companion: a further exported network whose logits are averaged with those of this
        one, in use and in all that is fitted and checked here. Networks that were trained apart
        are wrong about different faces, so their mean is right more often than each of them. It
        is copied to ``folder`` unless it ships.
    :raises ExportError: when the backend cannot export, or a file differs from the model.
    """
    if trained.recipe is not None:
        holdout, seed = trained.recipe.holdout, trained.recipe.seed
    other = _companion(companion, trained, (holdout, seed)) if companion else None
    unknown = set(variants) - set(VARIANTS)
    if unknown:
        raise ExportError(f'unknown variant {", ".join(sorted(unknown))}; known are '
                          f'{", ".join(VARIANTS)}')
    rest, held_out = split_holdout(training_data, holdout, seed)
    # Copies of training faces would make the network look more certain than it is.
    unseen = np.setdiff1d(np.arange(len(held_out)), find(held_out.images, rest.images).first)
    if 2 * len(unseen) >= len(held_out):    # drawn faces all resemble one another
        held_out = held_out.subset(unseen)
    # As in the classifier.
    evened = _evened if even else (lambda images: images)
    logits = predict(trained.model, evened(held_out.images))
    if fit_heads and set(logits) == set(recipes.HEADS) and trained.recipe is not None \
            and has_votes(held_out):
        trained, logits = _with_fitted_heads(trained, held_out, logits)
    logits = _averaged(logits, other, held_out.images)
    metadata = _metadata(trained, held_out, default_label_set, logits,
                         poststratification_weights(strata(held_out), strata(training_data)))
    if other:
        _add_companion(metadata, other)
    for head, entry in metadata['label_sets'].items():
        entry['training_shares'] = training_shares(head, rest).round(5).tolist()
    metadata['data'].update(images=len(rest), held_out=len(held_out))
    metadata['input']['even_contrast'] = even
    expected = _averaged({head: values for head, values in
                          predict(trained.model, evened(check.images)).items()
                          if head in metadata['label_sets']}, other, check.images)
    step = max(1, len(rest) // _REPRESENTATIVE_FACES)
    representative = evened(rest.images[::step][:_REPRESENTATIVE_FACES])
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    with tempfile.TemporaryDirectory(dir=folder, prefix='.export-') as scratch:
        written = []
        if other and other.metadata.path.parent != MODEL_DIR:
            written = [Path(shutil.copy(path, scratch))
                       for path in (other.metadata.path, other.metadata.source)]
        for variant in variants:
            path = Path(scratch) / f'{trained.name}_{variant}{_SUFFIXES.get(variant, ".tflite")}'
            path.write_bytes(_convert(trained.model, variant, representative, Path(scratch)))
            entry = {**metadata, 'name': path.stem, 'file': path.name, 'variant': variant,
                     'sha256': hashlib.sha256(path.read_bytes()).hexdigest()}
            path.with_suffix('.json').write_text(json.dumps(entry, indent=1) + '\n')
            entry['checked'] = _check(path, variant, expected, check)
            path.with_suffix('.json').write_text(json.dumps(entry, indent=1) + '\n')
            written += [path, path.with_suffix('.json')]
            results.append({'file': path.name, 'bytes': path.stat().st_size, **entry['checked']})
        for path in written:
            os.replace(path, folder / path.name)
    return results


def predict(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return a Keras model's logits by head, float32 ``(n, classes)``."""
    outputs = model.predict(images[..., None].astype(np.float32), batch_size=256, verbose=0)
    return {name: np.asarray(value, np.float32) for name, value in outputs.items()}


def _companion(path: str | os.PathLike, trained: TrainedModel,
               held_out: tuple[float, int]) -> EmotionClassifier:
    classifier = EmotionClassifier(path, threads=os.cpu_count() or 1)
    values = classifier.metadata.values
    try:
        recipe = values['training']['recipe']
        known = values['data']['sha256'], recipe['holdout'], recipe['seed']
    except (KeyError, TypeError):
        known = None
    if known != (trained.data_sha256, *held_out):
        raise ExportError(f'{classifier.name} was trained on other faces than {trained.name}, or '
                          'holds out others: none are left to calibrate their average by')
    return classifier


def _averaged(logits: dict, companion: EmotionClassifier | None, images: np.ndarray) -> dict:
    """Return the mean of a network's logits and its companion's, of the heads that both have."""
    if companion is None:
        return logits
    others = companion.logits(images)
    return {head: (values + others[head]) / 2 for head, values in logits.items()
            if head in others}


def _add_companion(metadata: dict, companion: EmotionClassifier) -> None:
    theirs = companion.metadata.values
    metadata['together_with'] = {'file': companion.metadata.path.name, 'sha256': companion.sha256}
    metadata['parameters'] += theirs['parameters']
    own = metadata['training']
    members = [{key: training[key] for key in ('recipe', 'epochs')}
               for training in (own, theirs['training'])]
    metadata['training'] = {'members': members, 'keras': own['keras']}


def _evened(images: np.ndarray) -> np.ndarray:
    return np.stack([even_contrast(image) for image in images])


def _with_fitted_heads(trained: TrainedModel, held_out: Dataset,
                       logits: dict) -> tuple[TrainedModel, dict]:
    """Return the model with each head reading both, and its logits of unseen faces."""
    model = networks.build(replace(trained.recipe, precision='float32'))
    model.set_weights(trained.model.get_weights())
    weights = {head: model.get_layer(head).get_weights() for head in logits}
    classes = {'fer2013': held_out.labels,
               'ferplus': np.full(len(held_out), -1) if held_out.votes is None
               else ferplus_majority(held_out.votes)}
    unseen = {}
    for head, other in (('fer2013', 'ferplus'), ('ferplus', 'fer2013')):
        change, unseen[head] = heads.fit(logits[head], logits[other], classes[head])
        if change is not None:
            model.get_layer(head).set_weights(
                heads.fold_in(weights[head], weights[other], change))
    return replace(trained, model=model), unseen


def strata(dataset: Dataset) -> np.ndarray:
    """Return for each face its class and whether the FER+ votes agree with it, as one number.

    Held-out faces are few, and those with copies were taken out of them: by chance and by that
    they are easier or harder than faces are. How many are of each kind is known of all.

    :returns: int64 ``(n,)`` in [0, 21).
    """
    votes = label_targets('ferplus', dataset.labels, dataset.votes)
    agree = np.where(votes < 0, 0, np.where(votes == dataset.labels, 1, 2))
    return dataset.labels.astype(np.int64) * 3 + agree


def _metadata(trained: TrainedModel, held_out: Dataset, default_label_set: str,
              logits: dict, weights: np.ndarray) -> dict:
    label_sets = {}
    for head, labels in _HEAD_LABELS.items():
        if head not in logits:
            continue
        classes = label_targets(head, held_out.labels, held_out.votes)
        if head == 'ferplus' and not has_votes(held_out):
            print('This data has no FER+ votes (fer2013new.csv beside fer2013.csv) to calibrate '
                  'the head ferplus by: the exported files do without it.', flush=True)
            continue
        try:
            fitted = calibrate(logits[head], classes, weights)
        except ValueError as error:
            raise ExportError(f'{head}: {error}: too few faces are held out') from error
        label_sets[head] = {
            'labels': list(labels), 'output': head, 'temperature': fitted.temperature,
            'uncertain_below': fitted.uncertain_below,
            'neutral_reading': neutral_reading(
                logits[head], classes, fitted.temperature).round(5).tolist(),
            'calibration': {key: round(value, 4) for key, value in asdict(fitted).items()}}
    if not label_sets:
        raise ExportError('no head of the model can be calibrated: the model has '
                          f'{", ".join(logits)}')
    if default_label_set not in label_sets:
        default_label_set = next(iter(label_sets))
    side = trained.model.input_shape[1]
    return {
        'format': METADATA_FORMAT,
        'input': {'side_px': side, 'color': 'gray', 'range': [0, 255], 'dtype': 'float32',
                  'scaling': 'inside the model'},
        'label_sets': label_sets, 'default_label_set': default_label_set,
        'parameters': trained.model.count_params(),
        'data': {'name': 'FER2013' + (' with FER+ votes' if 'ferplus' in label_sets else ''),
                 'split': 'Training', 'sha256': trained.data_sha256},
        'training': {'recipe': trained.recipe.to_dict() if trained.recipe else None,
                     'epochs': trained.epochs, 'keras': keras.__version__}}


def _convert(model: keras.Model, variant: str, images: np.ndarray, scratch: Path) -> bytes:
    if variant == 'keras':
        path = scratch / 'model.keras'
        model.save(path)
        return path.read_bytes()
    if keras.backend.backend() != 'tensorflow':
        raise ExportError(f'{variant} requires the TensorFlow backend, this is '
                          f'{keras.backend.backend()}; run the export with '
                          'KERAS_BACKEND=tensorflow (a run of any backend can be exported)')
    side = model.input_shape[1]
    signature = [keras.InputSpec(shape=(None, side, side, 1), dtype='float32', name='image')]
    if variant == 'onnx':
        path = scratch / 'model.onnx'
        try:
            model.export(path, format='onnx', input_signature=signature, verbose=False)
        except ImportError as error:
            raise ExportError(f'onnx: {error}; pip install tf2onnx') from error
        return path.read_bytes()
    tensorflow = importlib.import_module('tensorflow')
    # A saved model with a fixed signature: from_concrete_functions loses the weights of Keras 3.
    saved = scratch / 'saved_model'
    if not saved.is_dir():
        model.export(saved, input_signature=signature, verbose=False)
    converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(saved))
    if variant != 'float32':
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    if variant == 'float16':
        converter.target_spec.supported_types = [tensorflow.float16]
    if variant == 'int8':
        converter.representative_dataset = lambda: (
            [image[None, :, :, None].astype(np.float32)] for image in images)
    return converter.convert()


def _check(path: Path, variant: str, expected: dict[str, np.ndarray], check: Dataset) -> dict:
    actual = EmotionClassifier(path, threads=os.cpu_count() or 1).logits(check.images)
    found = {'images': len(check)}
    for head, logits in expected.items():
        same = float((logits.argmax(axis=1) == actual[head].argmax(axis=1)).mean())
        classes = label_targets(head, check.labels, check.votes)
        known = classes >= 0
        accuracy, reference = (
            float((x[known][:, :len(LABELS)].argmax(axis=1) == classes[known]).mean())
            if known.any() else None for x in (actual[head], logits))
        found[head] = {'same_top_class': round(same, 5), 'accuracy': accuracy,
                       'keras_accuracy': reference,
                       'largest_difference': float(abs(logits - actual[head]).max())}
        if variant != 'int8' and same < 0.995:
            raise ExportError(f'{path.name}: the top class of {head} is that of the Keras model '
                              f'on only {same:.2%} of {len(check)} faces (at least 99.5 % '
                              'expected); nothing was written')
        if variant == 'int8' and known.any() and reference - accuracy > 0.005:
            raise ExportError(f'{path.name}: accuracy on {head} is {accuracy:.2%}, the Keras '
                              f'model has {reference:.2%} (at most 0.5 points less expected); '
                              'nothing was written')
    return found
