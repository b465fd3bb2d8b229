"""Template updates as git's three-way merge: renders as trees, what each class of files asks for, the merge, its words.

Nothing here touches a working tree, a remote or a person: :mod:`mlopsgen.operations` does.
"""
