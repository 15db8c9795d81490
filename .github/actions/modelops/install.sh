#!/usr/bin/env bash
# Installs modelops into an environment of its own, apart from whatever the checkout brings.
# Without a requirement it is the modelops that this action lies in: who pins the action by a commit
# has pinned the program and, by their hashes, everything it needs.
set -euo pipefail

venv="$RUNNER_TEMP/modelops"
repository="$(cd "$GITHUB_ACTION_PATH/../../.." && pwd -P)"
"$INPUT_PYTHON" -I -m venv "$venv"

install() {
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check "$@"
}

if [[ -n "$INPUT_INSTALL" ]]; then
  install "$INPUT_INSTALL"
else
  lock=runtime
  [[ "${INPUT_STORE:-${MODELOPS_STORE:-}}" == postgres* ]] && lock=postgres
  install --require-hashes -r "$repository/requirements/$lock.txt"
  install --no-build-isolation --no-deps "$repository"
fi
"$venv/bin/python" -I -m modelops --version
