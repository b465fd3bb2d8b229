# Lays an environment into the working tree that holds everything which the lock wants: a folder of its own for packages,
# filled with links, so that what is installed on top stays in this job.
set -euo pipefail
mkdir -p .venv
cp -a "$STUB_VENV"/bin "$STUB_VENV"/pyvenv.cfg .venv
for packages in "$STUB_VENV"/lib/python3*/site-packages; do
  here=.venv/${packages#"$STUB_VENV"/}
  mkdir -p "$here"
  # What tells which packages there are is copied: uv does not look behind a link.
  cp -al "$packages"/*.dist-info "$here"
  find "$packages" -mindepth 1 -maxdepth 1 ! -name __pycache__ ! -name '*.dist-info' -exec ln -s -t "$here" {} +
done
