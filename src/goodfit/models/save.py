"""Save a fine-tuned model so that plain transformers (or plain PEFT) loads it, all at once or not at all, without a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

from goodfit.errors import machine_error
from goodfit.files import write_json
from goodfit.models.heads import Classifier, Language
from goodfit.models.identity import Identity, identify
from goodfit.models.load import FACTS
from goodfit.models.quiet import quiet

SCHEMA = "goodfit/model/1"


def save(model: Any, tokenizer: Any, folder: Path, *, base: Identity | None = None) -> None:
    """Write weights, configuration (label names, padding id) and tokenizer to `folder`, replacing what is there.

    An adapter is saved in PEFT's layout beside `goodfit.json`, which says which base model it belongs to (`base`, else the one that
    its configuration names) and what it was made for. Raises MachineError or UserError where the disk refuses.
    """
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with quiet():
            if isinstance(model, PeftModel):
                _save_adapter(model, part, base)
            else:
                model.save_pretrained(part)
                write_json(part / FACTS, _facts(model, "full"))
            tokenizer.save_pretrained(part)
        for path in part.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise machine_error(error, "saving the model to", folder) from error
    except SafetensorError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise machine_error(OSError(str(error)), "saving the model to", folder) from error


def _save_adapter(model: Any, folder: Path, base: Identity | None) -> None:
    # "auto" would ask the hub whether the vocabulary grew.
    model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    inner = model.get_base_model()
    belongs = base or identify(model.peft_config["default"].base_model_name_or_path, Classifier.of(inner.config.num_labels))
    known = {"name": belongs.name, "path": belongs.path, "content": belongs.content, "license": belongs.license, "package": belongs.package}
    write_json(folder / FACTS, _facts(inner, "peft") | {"base": known})


def _facts(model: Any, kind: str) -> dict[str, Any]:
    config, writers = model.config, AutoModelForCausalLM._model_mapping
    language = type(config) in writers and type(model) is writers[type(config)]  # one look-up: all its values would import every model
    return {
        "schema": SCHEMA,
        "kind": kind,
        "architecture": type(model).__name__,
        "head": Language.kind if language else Classifier.kind,
        "labels": [] if language else [config.id2label[i] for i in sorted(config.id2label)],
        "problem_type": None if language else config.problem_type,
        "pad_token_id": config.get_text_config().pad_token_id,
    }
