"""How Sphinx builds the documentation: `make docs`."""

from mlopsgen import __version__

project = "mlopsgen"
author = "The mlopsgen authors"
copyright = "2026, The mlopsgen authors"  # noqa: A001 (Sphinx's name)
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design", "sphinx.ext.graphviz"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"mlopsgen {__version__}"
html_static_path = []
graphviz_output_format = "svg"

copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
