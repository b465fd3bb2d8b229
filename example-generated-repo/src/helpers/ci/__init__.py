"""What workflows need of GitHub beyond the verbs: ``python -m helpers.ci TASK``.

One module for each task. Those that only talk to GitHub need the standard library alone, so that they run before (or
without) ``make setup``: ``PYTHONPATH=src python3 -m helpers.ci TASK``.
"""
