# For the launchers beside this file: runs an entry file of ours on the Node that the packages bring, whatever `node` the
# machine has. The same process goes on, so that signals and exit codes are the program's own.
#
#     launch ENTRY NODE_FLAGS... -- ARGUMENTS...     ENTRY: from src
launch() {
  root=$(dirname "$(dirname "$here")")
  entry=$root/src/$1
  shift
  # Node takes its own flags before the entry file only: they go round to the front.
  flags=
  while [ "$1" != -- ]; do
    flags="$flags $1"
    shift
  done
  shift
  for node in "$root"/node_modules/node-linux-*/bin/node; do
    # shellcheck disable=SC2086 # flags of ours, without spaces
    [ -x "$node" ] && exec "$node" $flags "$entry" "$@"
  done
  # shellcheck disable=SC2086
  exec node $flags "$entry" "$@"
}
