"""Base models: find them, load them, adapt them, save them so that plain transformers and PEFT load them again."""
