"""The capstone: a network as a file, what it costs, and the levels."""
