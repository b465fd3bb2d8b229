"""The generated pages of the documentation: each module makes one kind of page from the code."""
