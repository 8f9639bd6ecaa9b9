# SPDX-License-Identifier: Apache-2.0
"""The event log and the model of a running home, which is rebuilt from the log if needed."""

import logging
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import HomeEvent
from fer_ros.habits.log import EventLog, FUTURE_S
from fer_ros.habits.model import HabitModel
from fer_ros.habits.places import MODEL_NAME
from fer_ros.habits.storage import load_model, put_aside, save_model

#: How often the model is written when it has changed, seconds.
_SAVE_S = 600.0
_LOGGER = logging.getLogger(__name__)


class Journal:
    """An event log and the model learned from it.

    :ivar model: the model.
    """

    def __init__(self, folder: Path, maximum_mb: int, half_life_days: float, now_s: float):
        self._log = EventLog(folder, maximum_mb * 1_000_000)
        self._path = folder / MODEL_NAME
        self._half_life_days = half_life_days
        self._write_problem = self._save_problem = ''
        self._dirty, self._saved_s, self._lost = False, now_s, 0
        self._forgotten = self._log.forgotten
        self.model = self._load(now_s)

    @property
    def problems(self) -> list[str]:
        """Present problems, each with what to do."""
        lost = f'; {self._lost} events were lost' if self._lost else ''
        return [text for text in (self._write_problem + lost if self._write_problem else '',
                                  self._save_problem) if text]

    def add(self, event: HomeEvent) -> None:
        """Write an event and learn it."""
        self.model.learn(event)
        self._dirty = True
        try:
            self._log.append([event])
            self._write_problem = ''
        except OSError as error:
            self._lost += 1
            self._write_problem = (f'{self._log.folder}: the log of habits cannot be written '
                                   f'({error.strerror}): is there room, and may it be written?')

    def save_when_due(self, now_s: float) -> None:
        """Write the model when that was long ago."""
        if self._dirty and not 0 <= now_s - self._saved_s < _SAVE_S:
            self.save(now_s)

    def save(self, now_s: float) -> None:
        """Write the model, if it has changed."""
        self._saved_s = now_s
        if not self._dirty:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            save_model(self.model, self._path)
            self._dirty, self._save_problem = False, ''
        except OSError as error:
            self._save_problem = (f'{self._path}: the model of habits cannot be written '
                                  f'({error.strerror}); it will be learned from the log again')

    def forget_when_asked(self, now_s: float) -> bool:
        """Learn from scratch when somebody made the log forget; return whether that is so."""
        forgotten = self._log.forgotten
        if forgotten == self._forgotten:
            return False
        self._forgotten = forgotten
        self.model, self._dirty = self._learn_log(HabitModel(self._half_life_days), now_s), True
        self.save(now_s)
        return True

    def _load(self, now_s: float) -> HabitModel:
        model = HabitModel(self._half_life_days)
        if self._path.is_file():
            try:
                loaded = load_model(self._path)
                # A clock that was ahead taught what has not happened yet.
                if loaded.half_life_days == self._half_life_days \
                        and loaded.learnt_until_s <= now_s + FUTURE_S:
                    model = loaded
            except ConfigurationError as error:
                try:
                    where = f'renamed to {put_aside(self._path).name}'
                except OSError as second:
                    where = f'it stays there ({second.strerror})'
                _LOGGER.warning('%s: %s; learning from the log again', error, where)
        return self._learn_log(model, now_s)

    def _learn_log(self, model: HabitModel, now_s: float) -> HabitModel:
        """Learn what the log has and the model does not."""
        try:
            reading = self._log.read(now_s=now_s)
        except ConfigurationError as error:
            self._write_problem = str(error)
            return model
        for problem in reading.problems:
            _LOGGER.warning('%s', problem)
        model.learn_all([event for event in reading.events
                         if event.time_s > model.learnt_until_s])
        return model
