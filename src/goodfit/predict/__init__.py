"""Model: a fine-tuned model that answers. `goodfit predict`, `goodfit chat` and people's own programs come through here.

    from goodfit import Model
    model = Model.load("runs/2026-05-01-support-tickets-7f3a")
    model.predict(["Where is my parcel?"])[0].label          # a classifier
    model.predict(["Where is my parcel?"])[0].text           # a model that writes

Above the pipeline's stages; needs a run whose training is done, or the folder `train/model` of one, and nothing else of the run.
"""

from goodfit.predict.classes import Classifier, Prediction
from goodfit.predict.kept import Ask
from goodfit.predict.language import Generator
from goodfit.predict.model import EMPTY, Model, Written, run_with_model

__all__ = ["EMPTY", "Ask", "Classifier", "Generator", "Model", "Prediction", "Written", "run_with_model"]
