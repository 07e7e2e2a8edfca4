# shellcheck shell=bash disable=SC2034
# For the tests of the Python package, on top of the peer tests' helper: the package as the build folder has it.
PACKAGE=$BUILD/python
export PACKAGE

[ -e "$PACKAGE/arrowpool/_library.abi3.so" ] || skip "the package was not built: python3-dev is not installed"

# packaged [NAME=VALUE]... COMMAND...: with the package to be imported.
packaged() {
  env ARROWPOOL_BUILD="$BUILD" PYTHONPATH="$PACKAGE" "$@"
}
