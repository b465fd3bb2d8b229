"""The program that trains: it is zipped into the forge, so that a moved or removed tool does not matter.

It uses the standard library alone and imports nothing else of ``mlopsgen`` (import-linter checks it); its modules
import each other relatively, because inside the archive the package bears another name.
"""
