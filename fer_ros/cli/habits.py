# SPDX-License-Identifier: Apache-2.0
"""fer-habits: learn the habits of a home from its log, query, explain and forget them."""

import argparse
from dataclasses import asdict
from datetime import datetime, timezone
import json
from pathlib import Path
import re
import sys
import time

from fer_ros.cli.output import pipeable
from fer_ros.errors import ConfigurationError, FerError
from fer_ros.habits.evaluation import evaluate
from fer_ros.habits.explain import clock, describe_next, describe_preference, explain_room
from fer_ros.habits.formats import read_activities
from fer_ros.habits.log import EventLog, export
from fer_ros.habits.model import HabitModel, RoomModel
from fer_ros.habits.places import known_folder, MODEL_NAME
from fer_ros.habits.sources import read_events, utc_offset
from fer_ros.habits.storage import load_model, put_aside, save_model
from fer_ros.habits.words import spoken

#: Named in the results, to distinguish runs.
MODEL = 'mixture of contexts and times of day'
_BAR = 30


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 on success, 1 for data that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        return options.work(options)
    except FerError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # is an OSError, too; not one of the data
        raise
    except OSError as error:
        print(f'{error.filename or "fer-habits"}: {error.strerror}', file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='fer-habits', description=__doc__,
                                     epilog='docs/habits.md explains what is learned, and how.')
    commands = parser.add_subparsers(dest='command', required=True)

    def command(name, work, text, *, log=True):
        sub = commands.add_parser(name, help=text, description=f'{text[0].upper()}{text[1:]}.')
        sub.set_defaults(work=work)
        if log:
            sub.add_argument('log', type=Path, nargs='?', metavar='LOG', help='folder or file '
                             'with events: a log of the home, a recording of fer-policy '
                             'simulate, a bag, or activities of a research home; by default '
                             'the log of this machine')
        return sub

    sub = command('learn', _learn, 'learn a log from the beginning and write the model')
    sub.add_argument('--model', type=Path, metavar='FILE', help='where to write it; by default '
                     f'{MODEL_NAME} beside the log of this machine')
    sub = command('next', _next, 'print what may happen next, and the preferred state of lamps')
    sub.add_argument('--room', help='only of this room')
    sub.add_argument('--at', metavar='TIME', help="at this time: '2026-01-05 19:30'")
    sub.add_argument('--emotion', help='with this emotion')
    sub = command('explain', _explain, 'describe what was learned')
    sub.add_argument('--room', help='only of this room')
    sub = command('export', _export, 'print the events as CSV or JSON lines')
    sub.add_argument('--form', choices=('csv', 'jsonl'), default='csv', help='(%(default)s)')
    sub = command('forget', _forget, 'delete events permanently, and learn the rest again')
    sub.add_argument('--all', action='store_true', help='everything')
    sub.add_argument('--room', help='events in this room')
    sub.add_argument('--day', metavar='YYYY-MM-DD', help='events on this day')
    sub = command('evaluate', _evaluate, 'predict the activities of residents in order, each '
                  'before learning from it', log=False)
    sub.add_argument('data', type=Path, metavar='DATA', help='a file with activities in the '
                     'format of Kasteren and Ordonez or of CASAS, or a folder with one '
                     '*_ADLs.txt')
    sub.add_argument('--json', type=Path, metavar='FILE', help='write the results')
    return parser


def _events(options: argparse.Namespace):
    path = options.log or known_folder()
    if options.log is None and not EventLog(path).files:
        raise ConfigurationError(f'{path}: no log yet: write habits: suggest at a room of the '
                                 'policy, or give a log')
    found = read_events(path, now_s=time.time(), progress=_progress('read'))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return found.events


def _progress(what: str):
    """Return a function that draws a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    shown = [-1]

    def draw(done: int, total: int) -> None:
        filled = _BAR * done // max(1, total)
        if filled != shown[0]:
            shown[0] = filled
            end = '\n' if done >= total else ''
            print(f'\r{what} [{"#" * filled}{"." * (_BAR - filled)}] {done / max(1, total):4.0%}',
                  end=end, file=sys.stderr, flush=True)
    return draw


def _learnt(options: argparse.Namespace) -> HabitModel:
    events, model = _events(options), HabitModel()
    model.learn_all(events, _progress('learn'))
    return model


def _learn(options: argparse.Namespace) -> int:
    started_s = time.perf_counter()
    model = _learnt(options)
    path = options.model or known_folder() / MODEL_NAME
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_model(model, path)
    print(f'{path}: {len(model.rooms)} rooms, {path.stat().st_size / 1e3:.0f} kB, '
          f'{time.perf_counter() - started_s:.1f} s')
    return 0


def _model(options: argparse.Namespace) -> HabitModel:
    """Return the model of this machine, or one learned from a log."""
    path = known_folder() / MODEL_NAME
    if options.log is None and path.is_file():
        try:
            return load_model(path)
        except ConfigurationError as error:
            print(f'{error}: renamed to {put_aside(path).name}, learning from the log',
                  file=sys.stderr)
    return _learnt(options)


def _rooms(model: HabitModel, only: str | None) -> list[RoomModel]:
    if only is not None and only not in model.rooms:
        raise ConfigurationError(f'unknown room {only!r}: expected one of '
                                 f'{", ".join(sorted(model.rooms)) or "none"}')
    return [room for name, room in sorted(model.rooms.items()) if only in (None, name)]


def _next(options: argparse.Namespace) -> int:
    model, at_s = _model(options), None
    if options.at is not None:
        try:
            at_s = datetime.fromisoformat(options.at).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            raise ConfigurationError(f'{options.at!r} is not a time: write '
                                     "'2026-01-05 19:30'") from None
    for room in _rooms(model, options.room):
        last = room.last
        if last is None:
            print(f'{room.room}: no events since the last start')
        local_s = at_s if at_s is not None else (
            last.local_s if last is not None else time.time() + utc_offset(time.time()))
        now_s = local_s - (last.offset_s if last is not None else 0)
        emotion = options.emotion or (last.emotion if last is not None else '')
        print(f'{room.room}, {clock(local_s)}' + (f', {emotion}' if emotion else ''))
        for event in room.next_events(now_s):
            print(f'  {describe_next(event)}')
        for target in sorted(room.preferences):
            preference = room.want(target, local_s, emotion)
            if preference is not None:
                print(f'  {spoken(target)} is usually {describe_preference(preference)}')
    return 0


def _explain(options: argparse.Namespace) -> int:
    model = _model(options)
    now_s = max(model.learnt_until_s, 0.0)
    for room in _rooms(model, options.room):
        offset_s = room.last.offset_s if room.last is not None else utc_offset(now_s)
        print('\n'.join(explain_room(room, now_s + offset_s, now_s)))
    return 0


def _export(options: argparse.Namespace) -> int:
    export(_events(options), sys.stdout, options.form)
    return 0


def _forget(options: argparse.Namespace) -> int:
    if not options.all and options.room is None and options.day is None:
        raise ConfigurationError('choose what to forget: --all, --room NAME or --day YYYY-MM-DD')
    if options.day is not None and not re.fullmatch(r'\d{4}-\d{2}-\d{2}', options.day):
        raise ConfigurationError(f'{options.day!r} is not a day: write 2026-01-05')
    folder = options.log or known_folder()
    if folder.is_file():
        raise ConfigurationError(f'{folder}: give the folder of the log')
    log = EventLog(folder)
    count = log.forget(room=None if options.all else options.room,
                       day=None if options.all else options.day)
    model_path = folder / MODEL_NAME
    # What was learned from the events is deleted with them.
    model_path.unlink(missing_ok=True)
    if log.files:
        model = HabitModel()
        model.learn_all(log.read(now_s=time.time()).events, _progress('learn'))
        save_model(model, model_path)
    print(f'{count} events deleted, {log.bytes / 1e3:.0f} kB left')
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    file, json_file = _activities_file(options.data), options.json
    try:
        score = evaluate(read_activities(file))
    except ValueError as error:
        raise ConfigurationError(f'{file}: {error}') from error
    print(f'{file.name}: {MODEL}\n'
          f'    activities        {score.events}, predicted {score.predicted}\n'
          f'    most probable     {score.top1:.1%} right\n'
          f'    log loss          {score.log_loss:.3f}')
    for coverage, held in score.coverage.items():
        print(f'    {coverage:.0%} interval      holds {held:.1%} of the times to the next one')
    if json_file is not None:
        values = {**asdict(score), 'model': MODEL}
        try:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(json.dumps(values, indent=1) + '\n', encoding='utf-8')
        except OSError as error:
            raise ConfigurationError(f'{json_file}: cannot be written ({error})') from error
    return 0


def _activities_file(data: Path) -> Path:
    if not data.is_dir():
        return data
    found = sorted(data.rglob('*_ADLs.txt'))
    if len(found) != 1:
        raise ConfigurationError(f'{data}: {len(found)} files *_ADLs.txt, expected one; give '
                                 'the file itself')
    return found[0]


if __name__ == '__main__':
    raise SystemExit(main())
