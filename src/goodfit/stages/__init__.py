"""The stages of the path, one folder each. No stage imports another: it takes the other's Result, or reads it through the Run."""
