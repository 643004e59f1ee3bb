"""Neural-network pruning by experiment: the library under the lessons, a file for each step.

In the order in which the lessons meet them:

    data            MNIST as splits for training, validation and test
    models          the networks that are pruned, and their trained weights
    training        train and evaluate, with masks in force
    scores          how much each weight, or each unit, matters
    masks           from a score to a mask: what stays, what goes, how sparse that is
    measure         what a network costs in parameters, bytes and milliseconds
    intervals       how far a figure would move with other seeds, or with other images
    removal         really take units away, and get a smaller dense network
    chains          which networks can be made smaller so, as data and back again
    iterative       Han's method: prune, retrain, repeat; and the gradual schedule
    search          what each layer bears, and how small a network becomes under a drop bound
    sizes           what a network takes in a file, format by format
    relative_index  Deep Compression's index: gaps, fillers, Huffman's code
    regrowth        pruning that can be taken back; and which weights still do something
    surgery         new values for the weights that stay, solved and not trained
    language        a character model on Shakespeare's plays, small enough to prune in a lesson
    heads           take its heads, inner neurons or blocks really out
    export          the network as ONNX, for other runtimes

Behind them: _files (where things are), _state (random numbers and eval mode, given back), _inputs
(what enters a layer, as the rows of a matrix) and _allowed (one way to refuse).

What runs the course (checks, exercises, long runs, plots) is in `course_tools`.
"""

__version__ = "0.1.0"
