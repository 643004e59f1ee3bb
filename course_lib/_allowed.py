"""One way to refuse: name the argument, say its value, say what is allowed."""


def require(fine: bool, argument: str, value: object, allowed: str) -> None:
    """Raise ValueError unless `fine`.

    >>> require(False, "sparsity", 90, "a share from 0 to 1 (90 % is 0.9)")
    Traceback (most recent call last):
    ValueError: sparsity is 90; allowed is a share from 0 to 1 (90 % is 0.9)
    """
    if not fine:
        raise ValueError(f"{argument} is {value!r}; allowed is {allowed}")
