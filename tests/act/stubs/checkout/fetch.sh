# Fetches the commit of the event (or the wanted ref) as actions/checkout does: one commit, on a branch of that name.
set -euo pipefail
cd "$GITHUB_WORKSPACE"
mkdir -p "$IN_PATH"
cd "$IN_PATH"
header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$IN_TOKEN" | base64 -w0)"
key="http.$GITHUB_SERVER_URL/.extraheader"
git init -q .
git config gc.auto 0
git remote add origin "$GITHUB_SERVER_URL/$IN_REPOSITORY"
options=(--quiet --no-tags)
if [ "$IN_DEPTH" != 0 ]; then options+=("--depth=$IN_DEPTH"); fi
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="$key" GIT_CONFIG_VALUE_0="$header" GIT_TERMINAL_PROMPT=0
full=${IN_REF:-$GITHUB_REF}
wanted=${IN_REF:-$GITHUB_SHA}
if [ "$IN_DEPTH" = 0 ]; then
  git fetch "${options[@]}" origin "+refs/heads/*:refs/remotes/origin/*" "+refs/tags/*:refs/tags/*"
fi
case "$full" in
  refs/heads/*) branch=${full#refs/heads/} ;;
  refs/*) branch="" ;;
  *) branch=$full ;;
esac
if [ -n "$IN_REF" ] && printf '%s' "$IN_REF" | grep -Eq '^[0-9a-f]{40}$'; then branch=""; fi
git fetch "${options[@]}" origin "$wanted"
if [ -n "$branch" ]; then
  git update-ref "refs/remotes/origin/$branch" FETCH_HEAD
  git checkout -q --force -B "$branch" "refs/remotes/origin/$branch"
else
  git checkout -q --force --detach FETCH_HEAD
fi
unset GIT_CONFIG_COUNT
if [ "$IN_PERSIST" = true ]; then git config "$key" "$header"; fi
{
  echo "ref=$full"
  echo "commit=$(git rev-parse HEAD)"
} >> "$GITHUB_OUTPUT"
git --no-pager log -1 --format='%H %s'
