#!/usr/bin/env bash
# What surprised: with --python-executable, mypy takes a package from PYTHONPATH rather than from that interpreter's site-packages.
# Version: mypy 2.4.1
# Why it matters here: a measurement over catalogues of 5,000 models quietly checked the checkout's own catalogue instead.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mypy==2.4.1
python3 -m venv --without-pip "$work/user"

make_package() { # folder type value
    mkdir -p "$1/thing"
    touch "$1/thing/py.typed"
    echo "size: $2 = $3" > "$1/thing/__init__.py"
}
make_package "$(echo "$work"/user/lib/python3*/site-packages)" int 5
make_package "$work/checkout" str '"five"'
printf 'import thing\nreveal_type(thing.size)\n' > "$work/program.py"

cd "$work"
check() {
    "$work/venv/bin/mypy" --config-file= --no-incremental --python-executable "$work/user/bin/python" program.py | grep -o '"[a-z.]*"' | head -1
}
without=$(env -u PYTHONPATH bash -c "$(declare -f check); work=$work; check")
with=$(PYTHONPATH="$work/checkout" bash -c "$(declare -f check); work=$work; check")
echo "expected: the installed package, \"int\", both times, since mypy's own variable is MYPYPATH; seen: $without without PYTHONPATH, $with with it"
test "$without $with" = '"int" "str"'
