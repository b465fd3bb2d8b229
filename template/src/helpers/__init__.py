"""Support code of this repository. It belongs to the template: `mlopsgen sync` updates it, people do not edit it."""
