"""The text that explains a forge to whoever opens its folder."""

README = """\
This folder is a forge: a git repository that trains what is pushed to it. mlopsgen made it
('mlopsgen push --local'); it works without mlopsgen, as long as git and Python 3.11 or newer are there.

  repository.git/              what 'git push local' pushes to
  environments/BRANCH/         variables.env and secrets.env of the branch's trainings, one NAME=value a line
  runs/BRANCH/NUMBER/          each training: log.txt (everything), report.html, run.json (its state)
  store/                       the MLflow store: every run, model and champion. Back this up.
  queue/                       what waits to be trained
  venvs/                       prepared Python environments; may be deleted, they are made again
  work/                        checkouts of the trainings that are running
  program/                     the program that trains, and its own log

Follow a training:             mlopsgen status --follow      (or: tail -f runs/BRANCH/NUMBER/progress.txt)
Train a branch again:          mlopsgen run --branch BRANCH
Check that all is well:        mlopsgen doctor
Push without waiting:          git push -o detach
Move the folder:               move it, then in your repository 'mlopsgen push --local NEW_FOLDER'
"""
