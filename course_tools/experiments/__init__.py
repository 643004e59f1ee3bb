"""The long runs: what takes more than a lesson's minute, and the files of their results."""
