"""What an answer needs of its lesson: statements of our own copy, never a learner's text."""

import ast
import builtins
import json
import symtable

from course_lib._files import HOME

from course_tools.exercises import lesson_of

CHANGES = {"train", "apply_masks"}  # they change what they are given first


def needed(number: str, sources: list[str], known: set[str]) -> list[ast.stmt]:
    """Return the statements of an exercise's lesson that give a value to what `sources` use.

    They stand before the exercise in the lesson; cells that check, and other exercises, are left
    out, and so is what is `known` already. Code that cannot be read needs nothing.
    """
    try:
        wanted = set().union(*map(free, sources)) - known
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    chosen, statements = [], _before(number)
    imports = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
    imported = set().union(*(given(each)[0] for each in imports))  # nothing changes these
    for statement in reversed(statements):
        gives, whole = given(statement)
        if (gives if statement in imports else gives - imported) & wanted:
            chosen.append(statement)
            wanted = (wanted - gives if whole else wanted) | free(ast.unparse(statement))
    return chosen[::-1]


def _before(number: str) -> list[ast.stmt]:
    """Return the statements of our lesson that stand before an exercise."""
    lesson, = (HOME / "notebooks").glob(f"{lesson_of(number)}_*.ipynb")
    statements = []
    for cell in json.loads(lesson.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        if f'check("{number}"' in source or f'quiz("{number}"' in source:
            break
        if "my_" not in source:
            statements += ast.parse(source).body
    return statements


def free(source: str) -> set[str]:
    """Return the names that code takes from outside itself.

    >>> sorted(free("def f(x): return x + y"))
    ['y']
    """
    tables, used, own = [symtable.symtable(source, "cell", "exec")], set(), set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if top and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                own.add(symbol.get_name())
            if symbol.is_referenced() and (top or symbol.is_global()):
                used.add(symbol.get_name())
    return used - own - set(dir(builtins))


def given(statement: ast.stmt) -> tuple[set[str], bool]:
    """Return the names that a statement gives a value or changes, and whether it alone does so."""
    nodes = list(ast.walk(statement))
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}, True
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}, True
    names = {node.id for node in nodes if isinstance(node, ast.Name)
             and isinstance(node.ctx, ast.Store)}
    parts = [node for node in nodes if isinstance(node, ast.Attribute | ast.Subscript)
             and isinstance(node.ctx, ast.Store)]
    for call in (node.value for node in nodes if isinstance(node, ast.Expr)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            parts.append(call.func)  # model.load_state_dict(…)
    parts += [call.args[0] for call in nodes if isinstance(call, ast.Call) and call.args
              and isinstance(call.func, ast.Name) and call.func.id in CHANGES]
    changed = {_base(part) for part in parts}
    again = {node.id for node in nodes if isinstance(node, ast.Name)
             and isinstance(node.ctx, ast.Load)} & names
    return names | changed, isinstance(statement, ast.Assign) and not (changed | again)


def _base(node: ast.expr) -> str:
    """Return the name that an expression such as `model.fc1.weight[0]` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
