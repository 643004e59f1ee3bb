"""Grading: learners' notebooks in, points out. Their code runs in a sandbox, verdicts outside it.

`reading` finds the answers, `answering` runs them and hands out what they return as data (`wire`),
`judging` compares it, in another process. `isolation` is the sandbox of both.
"""
