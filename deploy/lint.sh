#!/bin/sh
# Every linter, each to its end, so that one run tells everything. Exit 1 if any of them objects.
set -u
failed=""
check() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed $name"
}
openapi_is_current() {
    .venv/bin/python manage.py spectacular --validate --fail-on-warn --file .local/openapi.yaml &&
        diff -u docs/openapi.yaml .local/openapi.yaml ||
        { echo "docs/openapi.yaml is out of date: manage.py spectacular --file docs/openapi.yaml"; return 1; }
}
mkdir -p .local
# These look at code only: no database is asked.
export DATABASE_URL=${DATABASE_URL:-postgres://plumbline_app@127.0.0.1:1/plumbline}
export SECRET_KEY=${SECRET_KEY:-linters-sign-nothing}
check ruff .venv/bin/ruff check .
check mypy .venv/bin/mypy
check import-linter .venv/bin/lint-imports
check migrations .venv/bin/python -W ignore manage.py makemigrations --check --dry-run
check openapi openapi_is_current
check standards .venv/bin/plumbline standard sync --check
check catalogue .venv/bin/plumbline policy docs --output docs/catalogue --check
if docker compose version >/dev/null 2>&1; then
    check compose docker compose config --quiet
fi
if [ -n "$failed" ]; then
    echo "failed:$failed" >&2
    exit 1
fi
