"""Small notebooks for the tests of the check."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output


def code(source, *outputs, count=1, tags=()):
    return new_code_cell(source, outputs=list(outputs), execution_count=count,
                         metadata={"tags": list(tags)} if tags else {})


def printed(text):
    return new_output("stream", name="stdout", text=text)


def write(path, *cells):
    for number, cell in enumerate(cells, start=1):
        cell.execution_count = cell.execution_count and number
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path
