
set +x -euo pipefail
umask 077

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
runner="$here/runner"
token_file="$here/registration-token"

say() {
  printf '%s\n' "$1"
}

stop() {
  printf 'start.sh: %s\n' "$1" >&2
  exit 1
}

checksum_of() {
  if command -v sha256sum >/dev/null; then
    sha256sum -- "$1" | cut -d ' ' -f 1
  else
    shasum -a 256 -- "$1" | cut -d ' ' -f 1
  fi
}

# The program of this version, checked before anything of it runs. One that is there stays: it updates itself.
download() {
  local archive="$here/$archive_name" fresh="$here/runner.new" found
  rm -rf -- "$fresh" "$archive"
  say "Downloading $archive_name"
  curl --fail --location --silent --show-error --retry 3 --output "$archive" -- "$archive_address" ||
    stop "The download of $archive_address failed. Look whether this machine reaches it, then run this again."
  found="$(checksum_of "$archive")"
  if [ "$found" != "$archive_sha256" ]; then
    rm -f -- "$archive"
    stop "The download is not what GitHub names: sha256 $found instead of $archive_sha256. Nothing of it was run."
  fi
  mkdir -- "$fresh"
  tar -xzf "$archive" -C "$fresh"
  rm -rf -- "$runner" "$archive"
  mv -- "$fresh" "$runner"
}

# The token goes from its file into the environment of one program; no other program and no process list sees it.
register() {
  local token='' options=(--unattended --replace --url "$repository_address" --name "$runner_name" --work _work)
  if [ -n "$runner_labels" ]; then
    options+=(--labels "$runner_labels")
  fi
  if [ "$ephemeral" = yes ]; then
    options+=(--ephemeral)
  fi
  IFS= read -r token <"$token_file" || [ -n "$token" ] || stop "The registration token is empty. Next: $again"
  rm -f -- "$token_file" "$runner/.runner" "$runner/.credentials" "$runner/.credentials_rsaparams"
  (cd -- "$runner" && ACTIONS_RUNNER_INPUT_TOKEN="$token" ./config.sh "${options[@]}") ||
    stop "The runner was not registered; its token is used up. Next: $again"
}

if [ "$(id -u)" -eq 0 ]; then
  stop "Jobs run with the rights of whoever starts this, and that must not be root. Start it as an ordinary user."
fi
for program in curl tar; do
  command -v "$program" >/dev/null || stop "'$program' is not installed."
done

if [ ! -x "$runner/config.sh" ] || [ ! -x "$runner/run.sh" ]; then
  download
fi
if [ -f "$token_file" ] && [ "$(date -u +%s)" -ge "$token_expires" ]; then
  rm -f -- "$token_file"
  say "The registration token expired at $token_expires_text and was deleted."
fi
if [ -f "$token_file" ]; then
  register
elif [ ! -f "$runner/.runner" ]; then
  stop "The runner is not registered, and there is no valid registration token. Next: $again"
fi

say "Starting $runner_name for $repository_address"
cd -- "$runner"
exec ./run.sh
