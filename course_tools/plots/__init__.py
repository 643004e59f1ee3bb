"""Pictures of pruning: each function draws on `ax`, or on new axes, and returns them."""
