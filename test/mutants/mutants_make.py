# SPDX-License-Identifier: Apache-2.0
"""The mutants of a file: cosmic-ray's operators, and statements that are skipped."""

import ast
from dataclasses import dataclass
import hashlib
from pathlib import Path
import types

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

_SWAPS = (('Lt', 'LtE'), ('Gt', 'GtE'), ('Eq', 'NotEq'), ('Is', 'IsNot'))
#: One or two ways to be wrong for each place, not all that can be thought of.
OPERATORS = (
    *(f'core/ReplaceComparisonOperator_{a}_{b}' for pair in _SWAPS
      for a, b in (pair, pair[::-1])),
    *(f'core/ReplaceBinaryOperator_{a}_{b}' for a, b in (
        ('Add', 'Sub'), ('Sub', 'Add'), ('Mul', 'Div'), ('Div', 'Mul'))),
    'core/AddNot', 'core/ReplaceTrueWithFalse', 'core/ReplaceFalseWithTrue',
    'core/ReplaceAndWithOr', 'core/ReplaceOrWithAnd', 'core/ReplaceBreakWithContinue',
    'core/ReplaceContinueWithBreak', 'core/NumberReplacer', 'core/ZeroIterationForLoop')
_LEAVE_OUT = 'leave out'


@dataclass(frozen=True)
class Mutant:
    """One change.

    :ivar line: where, from 1, and ``text`` what stands there.
    """

    path: str
    digest: str
    operator: str
    occurrence: int
    line: int
    text: str

    @property
    def key(self) -> str:
        """What it is known by as long as the file is the same."""
        return f'{self.path}@{self.digest} {self.operator} {self.occurrence}'

    def code(self) -> types.CodeType | None:
        """Return the changed file, compiled, or None where it cannot be."""
        source = Path(self.path).read_text(encoding='utf-8')
        if self.operator == _LEAVE_OUT:
            tree = ast.parse(source)
            _Omit(self.occurrence).visit(tree)
            return compile(ast.fix_missing_locations(tree), self.path, 'exec')
        changed = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        try:
            return compile(changed, self.path, 'exec')
        except (SyntaxError, TypeError):
            return None


class _Omit(ast.NodeTransformer):
    """Leaves out one statement that is there for its effect, or counts them all."""

    def __init__(self, occurrence: int = -1):
        self._occurrence = occurrence
        self.lines: list[int] = []

    def visit(self, node):
        effect = isinstance(node, ast.AugAssign) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or (
            isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name))
        if effect:
            self.lines.append(node.lineno)
            if len(self.lines) - 1 == self._occurrence:
                return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def mutants_of(path: str) -> list[Mutant]:
    """Return all mutants of a file inside of its functions, in the order of its lines."""
    source = Path(path).read_text(encoding='utf-8')
    digest = hashlib.sha1(source.encode()).hexdigest()[:10]
    lines = source.splitlines()
    inside = _lines_of_functions(source)
    found = []

    def add(operator, occurrence, line):
        if line in inside:
            found.append(Mutant(path, digest, operator, occurrence, line,
                                lines[line - 1].strip()))

    nodes = list(ast_nodes(get_ast(source)))
    for name in OPERATORS:
        operator, occurrence = get_operator(name)(), 0
        for node in nodes:
            for (line, _), _ in operator.mutation_positions(node):
                add(name, occurrence, line)
                occurrence += 1
    omit = _Omit()
    omit.visit(ast.parse(source))
    for occurrence, line in enumerate(omit.lines):
        add(_LEAVE_OUT, occurrence, line)
    return sorted(found, key=lambda mutant: (mutant.line, mutant.operator, mutant.occurrence))


def _lines_of_functions(source: str) -> set[int]:
    """Return the lines of bodies of functions; annotations and defaults are not behavior."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 \
                else node.body[0]
            found.update(range(first.lineno, node.end_lineno + 1))
    return found


def lines_of_statements(path: str) -> dict[int, range]:
    """Return, by line, all lines of its statement, those of its body apart.

    What stands in the second line of a condition also counts where that is not reached.
    """
    found: dict[int, range] = {}
    # From the outside to the inside.
    for node in ast.walk(ast.parse(Path(path).read_text(encoding='utf-8'))):
        if isinstance(node, ast.stmt):
            body = getattr(node, 'body', None)
            last = body[0].lineno - 1 if body else node.end_lineno
            lines = range(node.lineno, max(node.lineno, last) + 1)
            found.update(dict.fromkeys(lines, lines))
    return found


def apply(module: types.ModuleType, code: types.CodeType) -> None:
    """Put changed code into a module that others have imported already."""
    changed = types.ModuleType(module.__name__)
    changed.__file__ = module.__file__
    exec(code, changed.__dict__)
    for name, new in vars(changed).items():
        old = vars(module).get(name)
        if isinstance(new, types.FunctionType) and new.__module__ == module.__name__:
            _patch(old, new)
        elif isinstance(new, type) and new.__module__ == module.__name__:
            for attribute, value in vars(new).items():
                _patch(vars(old).get(attribute), value)
        elif not isinstance(new, (types.ModuleType, type)) and not name.startswith('__'):
            if not hasattr(new, '__dict__'):
                setattr(module, name, new)


def _patch(old, new) -> None:
    if isinstance(new, property):
        for part in ('fget', 'fset'):
            _patch(getattr(old, part), getattr(new, part))
    elif isinstance(new, (classmethod, staticmethod)):
        _patch(old.__func__, new.__func__)
    elif isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        old.__code__, old.__defaults__ = new.__code__, new.__defaults__
