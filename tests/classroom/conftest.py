import itertools
import shutil

import pytest
from rooms import PLACE, PREFIX, why_not_as_others

from course_tools.classroom.limits import make_groups

NUMBERS = itertools.count(90)


@pytest.fixture(scope="module")
def place():
    """Return a folder that other accounts can reach; it is gone in the end."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    PLACE.chmod(0o755)
    yield PLACE
    shutil.rmtree(PLACE)


@pytest.fixture
def group():
    """Return the name of a learner who has control groups."""
    name = f"{PREFIX}{next(NUMBERS)}"  # of its own: what was killed is counted for a while
    if why_not_as_others() or not make_groups(name):
        pytest.skip("no control groups can be made here")
    return name
