"""What happens after a training: the rules of ``actions:`` in a branch's configuration, and who carries them out."""
