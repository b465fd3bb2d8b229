"""Where data lies and how it is reached: one module for each kind of address, and what is common to all of them.

``places`` chooses the module of an address; ``watching`` and ``checking`` are what the verbs `watch` and `check` do.
"""
