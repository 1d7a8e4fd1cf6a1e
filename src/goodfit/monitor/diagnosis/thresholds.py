"""Every number that a diagnosis turns on. Part of monitor's diagnosis.

Those marked *(engineered)* were set on the engineered runs of nine data sets and scored on those of four others
(`python -m benchmarks.engineered`, benchmarks/results/4-engineered.json); the others follow from what they measure.
"""

DEAD_LOSS = 0.95
"""Training loss over that of a model that knows only how common each label is: above, nothing was learned (methods 7)."""
DEAD_VALID = 0.97
"""*(engineered)* Lowest validation loss over that of knowing nothing: above, nothing was learned that holds on other rows."""
DEAD_POINTS = 0.05
"""*(engineered)* Share of the rows that may be right above those of the commonest class: some rows are learned by heart first."""
ONE_CLASS, ITS_SHARE = 0.95, 0.80
"""Collapsed: more than the first share of the answers is one class, of which less than the second share of the rows are (methods 7)."""
SPIKE, SPIKES = 6.0, 3
"""A step's loss is a spike this many MADs above the median of its neighbours; so many are a rate too high (methods 7)."""
RISEN, RISEN_AT_ONCE = 1.25, 2.0
"""*(engineered)* The largest mean training loss of a stretch over the loss of the untrained model: above, the rate blew it up. The second
within so few steps that a stretch is a handful of batches."""
SHRUNK = 1e-2
"""Rate times weight decay, the share of the weights that a step takes away: above, the decay keeps them from learning."""
FAST, SLOW = 2e-2, 2.5e-4
"""*(engineered)* Update over weights, referred to the height of the rate: where the largest is above FAST what was learned is overwritten,
where the upper quartile is below SLOW nothing moves."""
AHEAD, OF_FALL = 0.05, 0.03
"""*(engineered)* Loss that another third of the training's rate would take off, as a share of the loss, and of its fall since the first
step: below either, the curve has arrived."""
FEW_STEPS = 30
"""Optimiser steps below which nothing learned means too short, not dead: warm-up alone takes as long."""
UNLEARNED = 0.5
"""*(engineered)* Training loss over that of knowing nothing, below which a training has had the time to learn its rows."""
HARDLY = 0.9
"""Training loss over that of knowing nothing: above, there is much left to learn."""
FALLING_ROWS, FALLING_Z = 50, 3.5
"""Validation rows that it takes to say that the loss still falls, and standard errors that the fall lies above zero."""
FLOOR_GAP = 0.01
"""A linear model on frozen features is better by more than this, at the lower end (methods 7)."""
RISE_NAMED = 0.3
"""*(engineered)* Rise of the loss over its lowest value from which overconfidence is named as a cause, not told beside one."""
FALL_OF_RIGHT = 0.03
"""*(engineered)* Fewer rows right since then, at the upper end of the interval, from which a rise matters whatever its size."""
RISE_OF_RANGE, RISE_OF_NOISE, RISE_OF_LOSS = 0.01, 1.0, 0.10
"""Validation has turned where the loss rose by more than a share of its range so far, *(engineered)* so many standard deviations of its
step-to-step change, and a share of its lowest value (methods 7): less changes no decision."""
LEARNED = 0.95
"""Share of the training rows that are right where a model is said to know them by heart."""
LATER = 0.7
"""*(engineered)* Chance that a suspected row is learned later than another (as an AUC) from which the order speaks of wrong labels."""
FITTED = 0.8
"""*(engineered)* Share of the suspected rows that must be fitted to their label in the end for it to be memorised noise."""
SUSPECTS, THEIR_SHARE = 10, 0.22
"""Suspected rows among those followed that it takes, and *(engineered)* their share: fewer do not turn a training."""
VISIBLE = 0.13
"""*(engineered)* A validation set that shows no paired difference smaller than this cannot choose a step."""
GAP_BY_HEART = 0.10
"""Accuracy on training rows above that on validation, at the lower end of its interval, that is worth telling."""
SEEDS, SEED_POINTS, SEED_ERRORS = 3, 0.05, 4.0
"""Trainings of other seeds that it takes; spread of their scores, in itself and in standard errors of the rows (methods 7)."""
