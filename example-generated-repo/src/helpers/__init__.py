"""Support code of this repository. It belongs to the template: an update of the template brings it along."""
