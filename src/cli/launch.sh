# For the launchers beside this file: runs an entry file of ours on the Node that the packages bring, whatever `node` the
# machine has. The same process goes on, so that signals and exit codes are the program's own.
#
#     launch ENTRY NODE_FLAGS... -- ARGUMENTS...     ENTRY: without its suffix, from src, or from dist, which is built from it
launch() {
  code=${here%/*}
  entry=$code/$1.ts
  [ -f "$entry" ] || entry=$code/$1.js
  shift
  # Node takes its own flags before the entry file only: they go round to the front.
  flags=
  while [ "$1" != -- ]; do
    flags="$flags $1"
    shift
  done
  shift
  for node in "${code%/*}"/node_modules/node-linux-*/bin/node; do
    # shellcheck disable=SC2086 # flags of ours, without spaces
    [ -x "$node" ] && exec "$node" $flags "$entry" "$@"
  done
  # shellcheck disable=SC2086
  exec node $flags "$entry" "$@"
}
