"""Print how long the submission in a file takes beside the reference network."""

import sys
from pathlib import Path

from course_lib.models import load_trained

from course_tools.capstone.submission import read_submission
from course_tools.capstone.timing import REFERENCE, time_ratio

if __name__ == "__main__":
    print(time_ratio(read_submission(Path(sys.argv[1]).read_bytes()), load_trained(REFERENCE)))
