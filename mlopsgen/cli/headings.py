"""The headings that options stand below in the help (typer's ``rich_help_panel``); the others stand below 'Options'."""

ANSWERS = "Answers"
TEMPLATE = "Template"
GITHUB = "GitHub"
FLEET = "Many repositories at once"
COMMON = "Common"
