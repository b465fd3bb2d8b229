"""The edges: the only places that start processes, call git, or import copier."""
