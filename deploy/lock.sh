#!/bin/sh
# Pin the dependencies with hashes. Local pip settings are kept out: the files must suit every machine.
set -eu
export PIP_CONFIG_FILE=/dev/null
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL PIP_INDEX_URL PIP_TRUSTED_HOST 2>/dev/null || true
export CUSTOM_COMPILE_COMMAND="make lock"
for name in requirements requirements-dev; do
    echo "  $name.txt"
    .venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
        --output-file="$name.txt" "$@" "$name.in"
done
