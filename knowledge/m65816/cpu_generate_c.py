"""The C text of the CPU, made from the operations: tables, and the cases of a switch."""

import ast
from collections.abc import Iterator

from knowledge.m65816.cpu_layout import Operation, ids, operations
from knowledge.m65816.cpu_spec import FUNCTIONS

__all__ = ["c_text"]

_SECOND = {
    "R16": "(ea + 1 & 16777215)", "R16B": "(ea + 1 & 65535)", "R16P": "((ea & 16711680) | (ea + 1 & 65535))",
    "R16V": "(ea + 1 & 65535)", "W16": "(ea + 1 & 16777215)", "W16B": "(ea + 1 & 65535)",
    "W16H": "(ea + 1 & 16777215)", "W16BH": "(ea + 1 & 65535)",
}  # fmt: skip
_KIND = {"R16P": 2, "R16V": 5}
_MARKS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.Not: "!", ast.Invert: "~",
}  # fmt: skip


def _expression(node: ast.expr) -> str:
    """Return an expression of the language in C, with brackets around every part."""
    if isinstance(node, ast.BinOp):
        return f"({_expression(node.left)} {_MARKS[type(node.op)]} {_expression(node.right)})"
    if isinstance(node, ast.Compare):
        return f"({_expression(node.left)} {_MARKS[type(node.ops[0])]} {_expression(node.comparators[0])})"
    if isinstance(node, ast.UnaryOp):
        return f"({_MARKS[type(node.op)]}{_expression(node.operand)})"
    if isinstance(node, ast.IfExp):
        return f"({_expression(node.test)} ? {_expression(node.body)} : {_expression(node.orelse)})"
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func)}({', '.join(map(_expression, node.args))})"
    return ast.unparse(node)


def _bracketed(node: ast.expr) -> str:
    text = _expression(node)
    return text if text[0] == "(" else f"({text})"


def _statement(node: ast.stmt) -> Iterator[str]:
    """Return a plain statement in C."""
    if isinstance(node, ast.If | ast.While):
        yield f"{'if' if isinstance(node, ast.If) else 'while'} {_bracketed(node.test)} {{"
        for child in node.body:
            yield from _statement(child)
        yield "} else {" if node.orelse else "}"
        for child in node.orelse:
            yield from _statement(child)
        if node.orelse:
            yield "}"
    elif isinstance(node, ast.Assign):
        yield f"{ast.unparse(node.targets[0])} = {_expression(node.value)};"
    elif isinstance(node, ast.AugAssign):
        yield f"{ast.unparse(node.target)} {_MARKS[type(node.op)]}= {_expression(node.value)};"
    elif isinstance(node, ast.Return) and node.value:
        yield f"return {_expression(node.value)};"


class _Writer:
    """Turns the body of one operation into the lines of a case."""

    def __init__(self, item: Operation) -> None:
        self.item = item
        self.fetched = 0
        self.touched = False
        row = item.variant.opcode
        self.target = "TARGET16" if row is not None and row.mode == "relative_long" else "TARGET8"

    def lines(self) -> Iterator[str]:
        for node in self.item.tree.body:
            yield from self.statement(node, inside=False)
        yield "break;"

    def statement(self, node: ast.stmt, *, inside: bool) -> Iterator[str]:
        if isinstance(node, ast.If):
            yield f"if {_bracketed(node.test).replace('TARGET()', self.target)} {{"
            for child in node.body:
                yield from self.statement(child, inside=True)
            yield "} else {" if node.orelse else "}"
            for child in node.orelse:
                yield from self.statement(child, inside=True)
            if node.orelse:
                yield "}"
            return
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        name = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if isinstance(value, ast.Call) and name.isupper() and name != "TARGET":
            target = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
            yield from self.verb(name, [self.text(item) for item in value.args], target, inside=inside)
        else:
            yield from (line.replace("TARGET()", self.target) for line in _statement(node))

    def text(self, node: ast.expr) -> str:
        return _expression(node).replace("TARGET()", self.target)

    def beside(self) -> str:
        return f"BESIDE({max(1, self.fetched)})"

    def verb(self, name: str, given: list[str], target: str, *, inside: bool) -> Iterator[str]:
        if name == "IDLE":
            kind = "SOME" if inside else "LATER" if self.touched else "FIRST"
            yield f"IDLE_{kind}({given[0] if given else self.beside()});"
        elif name == "FETCH":
            self.fetched += 1
            yield f"FETCHED({self.fetched});"
        elif name == "IDLEW":
            yield f"IDLE_DEEP({self.beside()});"
        elif name[0] in "RW" and name[1].isdigit():
            self.touched = True
            yield from self.access(name, given, target)
        else:
            yield f"{name};"

    def access(self, name: str, given: list[str], target: str) -> Iterator[str]:
        if name in ("R8", "W8"):
            yield f"{target} = R8({given[0]});" if name == "R8" else f"W8({given[0]}, {given[1]});"
            return
        if given[0] != "ea":
            yield f"ea = {given[0]};"
        if name[0] == "R":
            yield f"{target} = R16_AT(ea, {_SECOND[name]}, {_KIND.get(name, 1)});"
        else:
            yield f"W16_AT(ea, {_SECOND[name]}, {given[1]}, {int(name.endswith('H'))});"


def _functions() -> Iterator[str]:
    for node in ast.parse(FUNCTIONS).body:
        if isinstance(node, ast.FunctionDef):
            arguments = [item.arg for item in node.args.args]
            found = {
                item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            yield f"static i32 {node.name}({', '.join(f'i32 {name}' for name in arguments)}) {{"
            yield f"i32 {', '.join(f'{name} = 0' for name in sorted(found - set(arguments)))};"
            for child in node.body[1:]:
                yield from _statement(child)
            yield "}"


def _tables(made: tuple[Operation, ...]) -> Iterator[str]:
    yield f"static const u8 OPERATIONS[{len(made)}][5] = {{"
    yield from (f"{{{item.variant.length}, {item.lead}, {item.cycles}, {item.deep}, {item.fetches}}}," for item in made)
    yield "};"
    rows = ids(made)
    yield "static const u16 IDS[8][260] = {"
    for state in range(8):
        # states that a CPU is never in (emulation makes M and X 1) decode like emulation
        yield "{" + ", ".join(map(str, rows.get(state, rows[7]))) + "},"
    yield "};"
    yield from _functions()


def c_text() -> str:
    """Return the text of `cpu_ops.h`."""
    made = operations()
    lines = [
        "/* Generated by knowledge.m65816.cpu_generate from cpu_spec. */",
        "#ifdef TABLES",
        *_tables(made),
        "#else",
    ]
    for number, item in enumerate(made):
        lines += [f"case {number}: /* {item.variant.name} */", *_Writer(item).lines()]
    return "\n".join([*lines, "#endif", ""])
