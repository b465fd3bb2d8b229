"""How Sphinx builds the documentation: `make docs`."""

import gc
import sys
from pathlib import Path

from mlopsgen import __version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))
gc.set_threshold(100_000, 20, 50)  # pages stay until the end of the build; looking through them takes an eighth of it

project = "mlopsgen"
author = "The mlopsgen authors"
copyright = "2026, The mlopsgen authors"  # noqa: A001 (Sphinx's name)
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design"]
extensions += ["error_messages", "page_contents", "pictures", "python_reference", "repository_links"]
exclude_patterns = ["_ext", "_static", "diagrams", "pictures"]
nitpicky = True

myst_enable_extensions = ["alert", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
myst_heading_slug_func = "github"

html_theme = "furo"
html_title = f"mlopsgen {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("_ext") / "search_order.js")

copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
