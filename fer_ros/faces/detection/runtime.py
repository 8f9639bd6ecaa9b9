# SPDX-License-Identifier: Apache-2.0
"""Find and read the files of the detectors' networks."""

import importlib.util
from pathlib import Path

from fer_ros.errors import ConfigurationError


def package_file(package: str, name: str) -> Path | None:
    """Return the path of a file inside an installed package, whose code is not run, or None."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.is_file():
            return path
    return None


def read_model(path: str | Path) -> bytes:
    """Return a model file's bytes; ConfigurationError when it cannot be read or is empty."""
    try:
        model = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"face detector model '{path}' cannot be read ({error.strerror}): give the path of "
            'an ONNX file in model_path, or leave it empty') from error
    if not model:
        raise ConfigurationError(f"face detector model '{path}' is empty: download it again")
    return model
