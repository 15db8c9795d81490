#!/bin/sh
# Install the other gateways that benchmarks.gateway measures, each in a folder of its own.
# usage: sh benchmarks/rivals/install.sh FOLDER (needs python3.11, node 20 and npm; 800 MB)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/portkey"
cd "$1"
python3.11 -m venv litellm
litellm/bin/pip install --quiet 'litellm[proxy]==1.106.2'
python3.11 -m venv tensorzero
tensorzero/bin/pip install --quiet 'tensorzero==2026.6.0'
cp "$here/package.json" portkey/
npm install --prefix portkey --no-fund --no-audit --loglevel error
