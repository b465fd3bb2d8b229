"""Support code of this repository. It belongs to the template: an update of the template brings it along."""

import gc

# Most of what MLflow, pandas and scikit-learn make when they are imported stays. To look through it for garbage after
# each 700 objects, as Python does by itself, takes a sixth of the time that the imports take.
gc.set_threshold(10_000)
