"""Goodfit: fine-tune language models, and show that the result is a good fit."""

__version__ = "0.1.0"
