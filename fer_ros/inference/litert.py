# SPDX-License-Identifier: Apache-2.0
"""The one place that looks for LiteRT, under the names it has had."""

from collections.abc import Iterable
import importlib
from types import ModuleType

from fer_ros.errors import ConfigurationError
from fer_ros.requirements import REQUIREMENTS


def litert() -> ModuleType:
    """Return the module that has ``Interpreter`` and ``load_delegate``.

    :raises ConfigurationError: when no LiteRT is installed.
    """
    try:
        return import_first(REQUIREMENTS['LiteRT'].modules)
    except ImportError as error:
        raise ConfigurationError('no LiteRT run time found: install ai-edge-litert '
                                 '(pip install ai-edge-litert) or tflite-runtime') from error


def import_first(names: Iterable[str]) -> ModuleType:
    """Return the first of some modules that can be imported.

    :raises ImportError: that of the last one.
    """
    *others, last = names
    for name in others:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return importlib.import_module(last)
