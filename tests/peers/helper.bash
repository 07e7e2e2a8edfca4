# shellcheck shell=bash disable=SC2034
# For the peer tests, on top of the shim tests' helper: pyarrow, and the witness in front of the shim.
WITNESS=$BUILD/tests/peers/libwitness.so
export PYTHONDONTWRITEBYTECODE=1

"$PYTHON" -c 'import pyarrow' 2>/dev/null || skip "no pyarrow in $PYTHON"

# witnessed [NAME=VALUE]... COMMAND...
witnessed() {
  env LD_PRELOAD="$WITNESS:$SHIM" "$@"
}
