"""The terms of the glossary: from which lesson on a page links them, and how they are written.

A word that also has an everyday meaning is linked only in the form in which it has none.
"""

TERMS = {
    "unit": ("00", r"units?"),
    "weight": ("00", r"weights?"),
    "bias": ("00", r"bias(es)?"),
    "layer": ("00", r"layers?"),
    "ReLU": ("00", r"ReLU"),
    "control": ("00", r"controls?"),
    "seed": ("00", r"seeds?"),
    "interval": ("00", r"intervals?"),
    "threshold": ("00", r"thresholds?"),
    "mask": ("02", r"masks?"),
    "sparsity": ("02", r"sparsity"),
    "density": ("02", r"density"),
    "compression ratio": ("02", r"compression ratios?"),
    "score": ("02", r"scores?"),
    "magnitude": ("02", r"magnitudes?"),
    "unstructured": ("02", r"unstructured"),
    "structured": ("02", r"structured"),
    "budget": ("02", r"budgets?"),
    "retrain": ("02", r"retrain(ing|ed)?"),
    "fine-tune": ("02", r"fine-tun(e|ed|ing)"),
    "neuron": ("03", r"neurons?"),
    "column": ("03", r"columns?"),
    "filter": ("04", r"filters?"),
    "channel": ("04", r"channels?"),
    "quality": ("05", r"quality"),
    "round": ("05", r"rounds"),
    "granularity": ("06", r"granularit(y|ies)"),
    "drop bound": ("06", r"drop bounds?"),
    "drop": ("06", r"drops?"),
    "refit": ("12", r"refit(s|ted|ting)?"),
}
