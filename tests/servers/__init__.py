"""Real servers that hold data, for the tests of sources: PostgreSQL, MariaDB, S3 (OpenStack Swift), git, the web.

They come from the distribution (``make servers`` installs them on a fresh machine), and each runs in a folder of its
own on a free port of this machine.
"""
