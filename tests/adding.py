"""Work for a test of `Results`, in a module that another process imports quickly."""

from course_tools.experiments.results import Results

HEAD = {"schema": 1, "command": "run it", "seeds": [0], "torch": "2", "machine": "m", "threads": 1,
        "planned": 8, "recipe": {}}


def add_twenty(path, name, together):
    results = Results(path, HEAD)
    together.wait()
    for x in range(20):
        results.add({"name": name, "x": x}, [{"x": x}], 0.5)
