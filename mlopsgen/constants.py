"""Addresses and names that must be the same everywhere."""

CANONICAL_TEMPLATE = "https://github.com/mlopsgen/mlopsgen"
"""Where the template is published; recorded in each repository, so that plain ``copier update`` works too."""

ANSWERS_FILE = ".copier-answers.yml"
"""The file of a generated repository that records its template version and answers (copier's default name)."""

OWNED = "owned"
"""The key of that file under which the owner lists the files that updates shall leave alone; it is no answer."""

BRANCHES = ("development", "staging", "production")
"""The branches of a generated repository, in the order of promotion; workflows and environments bear these names."""

MAIN_BRANCH = BRANCHES[0]
"""The branch that work starts on and that the first training belongs to."""

LOCAL_REMOTE = "local"
"""The git remote that names the forge on this machine; ``origin`` stays free for GitHub."""

HOSTED_REMOTE = "origin"
"""The git remote that names the repository on GitHub."""

LOCAL_FORGE_SUFFIX = "-forge"
"""A project's forge on this machine is the folder beside it with this suffix, unless another one is named."""

MINIMUM_GIT = (2, 38)
"""The oldest git that has ``merge-tree --write-tree`` (git 2.38 release notes)."""
