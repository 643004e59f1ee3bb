"""Exercises of lesson 07, what is really saved."""

from math import ceil

from course_tools.exercises.kinds import Exercise, Quiz


def csr_bytes(nonzeros: int, rows: int) -> int:
    """Return the bytes of a CSR matrix: 4 for a value, 2 for a column, 4 for the start of a row."""
    return 6 * nonzeros + 4 * (rows + 1)


def entries(gaps: list[int], bits: int) -> int:
    """Return how many entries a relative index stores for these gaps, fillers included."""
    return sum(1 + gap // 2 ** bits for gap in gaps)


def break_even(value: float, index: float) -> float:
    """Return the density at which a sparse format takes as many bits as the dense one."""
    return value / (value + index)


EXERCISES = (
    Quiz(
        "7.1", "The price of a place", 1, 2,
        answer=6.0, tolerance=0.1,
        mistakes={
            4.0: "That is the value alone. A reader of the file also has to learn where it "
                 "belongs.",
            5.0: "One byte counts to 255, and there are 784 columns.",
            8.0: "That would be a column of 32 bits. For numbers below 784, 16 are enough.",
            48.0: "That is in bits. The question asks for bytes.",
        },
        idea="the two numbers that are stored for each weight, and how wide each has to be",
        hints=("For each weight that is not zero its value is stored, and its column.",
               "A value takes four bytes. How many does a number below 784 take?"),
        right="Four for the value, two for the column, and next to nothing for the rows.",
        why="A value is four bytes, a column below 784 fits into two, and 301 row starts are "
            "shared by thousands of weights.",
    ),
    Exercise(
        "7.2", "Bytes of a sparse matrix", 1, 4,
        reference=csr_bytes,
        cases=lambda: [(10, 4), (0, 1), (20_000, 300), (7, 7)],
        mistakes={
            "One row start is missing: with 4 rows there are 5, the last says where the last row "
            "ends.": lambda nonzeros, rows: 6 * nonzeros + 4 * rows,
            "The row starts are left out.": lambda nonzeros, rows: 6 * nonzeros,
            "A place is stored for each weight there, row and column; CSR stores only columns "
            "that way.": lambda nonzeros, rows: 8 * nonzeros + 4 * (rows + 1),
            "The columns are left out: each weight that is not zero has one of its own.":
                lambda nonzeros, rows: 4 * nonzeros + 4 * (rows + 1),
            "There is one start for each row, not for each weight.":
                lambda nonzeros, rows: 10 * nonzeros + 4,
        },
        idea="the three arrays of CSR, how long each is, and how wide its numbers are",
        hints=("Values and columns have an entry for each weight that is not zero.",
               "Starts have one entry more than there are rows.",
               "(4 + 2) bytes for each weight, and 4 bytes for each of rows + 1 starts."),
        right="For long rows the starts vanish beside the six bytes a weight.",
        why="Two arrays are as long as there are weights, 4 and 2 bytes wide; the third has "
            "rows + 1 entries of 4 bytes.",
    ),
    Exercise(
        "7.3", "Fillers", 2, 8,
        reference=entries,
        cases=lambda: [([0, 1, 3], 2), ([4], 2), ([1, 8, 0], 2), ([31, 32, 64, 100], 5), ([], 8)],
        mistakes={
            "The fillers are missing: a gap too long for the bits takes more than one entry.":
                lambda gaps, bits: len(gaps),
            "Those are the fillers alone. The weights are entries as well.":
                lambda gaps, bits: sum(gap // 2 ** bits for gap in gaps),
            "A filler passes 2**bits − 1 zeros and is itself one more, so it takes 2**bits off "
            "the gap.": lambda gaps, bits: sum(1 + gap // (2 ** bits - 1) for gap in gaps),
            "That rounds up: a gap of exactly 2**bits − 1 still fits without a filler.":
                lambda gaps, bits: sum(1 + ceil(gap / 2 ** bits) for gap in gaps),
            "There is one filler at most there. A long gap may need several.":
                lambda gaps, bits: sum(1 + (gap >= 2 ** bits) for gap in gaps),
        },
        idea="what one filler takes off a gap, and how many it takes until the rest fits",
        hints=("With 2 bits, gaps of 0 to 3 fit. What does a gap of 4 need? And of 8?",
               "Each filler takes 2**bits places: as many are needed as 2**bits goes into the "
               "gap.",
               "One entry for each gap, and gap // 2**bits fillers."),
        right="With more bits there are fewer fillers, and each entry is longer: hence 5 and 8.",
        why="A filler takes 2**bits places with it, so gap // 2**bits of them come first, and "
            "then the weight with the rest.",
    ),
    Exercise(
        "7.4", "Break-even", 3, 8,
        reference=break_even,
        cases=lambda: [(32, 16), (32, 32), (8, 16), (5, 5)],
        mistakes={
            "That is the sparsity. The density was asked for, the share that is not zero.":
                lambda value, index: index / (value + index),
            "That is the ratio of the two. Set up both lengths, for n weights, and make them "
            "equal.": lambda value, index: index / value,
            "The value is stored beside the index: a sparse entry costs value + index bits.":
                lambda value, index: value / index,
            "That is the factor by which a sparse entry is longer. The density is its inverse.":
                lambda value, index: (value + index) / value,
        },
        idea="the bits of n weights, dense and sparse, as two formulas",
        hints=("Dense, n weights take n · value bits.",
               "At density d, n · d weights take value + index bits each.",
               "n · value = n · d · (value + index): solve for d."),
        right="With 8 bits a value, a 16-bit index pays off only below a third. The shorter the "
              "values, the more the places cost.",
        why="Both take the same where value = d · (value + index).",
    ),
)
