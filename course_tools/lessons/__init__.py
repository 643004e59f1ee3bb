"""The lessons as notebooks: working copies, execution, and the rules of what is stored."""
