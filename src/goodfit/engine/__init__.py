"""The engine: batches, loss, optimiser, schedule, precision, checkpoints. It knows no task; it gets callables.

Read `fit.py` first: one loop. `examples.py` is what goes in, `plan.py` the numbers, `objective.py` what a task must say,
`events.py` what comes out on the way, `infer.py` the way back for predictions.
"""
