#!/bin/sh
# A plugin of node-problem-detector: whether the DNS cache of this node serves. It asks the cache's own endpoint, so that neither dig nor
# a cluster name is needed, with curl, wget or bash, whichever there is.
#
#   dns-health.sh health|ready [HOST:PORT]     HOST:PORT: of `health` in the Corefile (169.254.20.10:8080)
#
# Exit codes as node-problem-detector has them: 0 no problem, 1 a problem, 2 unknown; one line says which.
page=$1
address=${2:-169.254.20.10:8080}
seconds=3

case $page in
  health) good=healthy ;;
  ready) good=ready ;;
  *) echo "usage: dns-health.sh health|ready [HOST:PORT]"; exit 2 ;;
esac

# Each prints the body and, on a line of its own, the status. 000: nobody answers.
by_curl() {
  curl -s --noproxy '*' --max-time "$seconds" --write-out '\n%{http_code}\n' "http://$address/$page"
}

by_wget() {
  # Without a body where the answer is no; both wgets say the status on stderr.
  answer=$(no_proxy='*' wget -S -O - -T "$seconds" "http://$address/$page" 2>&1)
  echo "$answer" | sed -n 's/^ *HTTP\/1\.[01] \([0-9][0-9][0-9]\).*/\1/p' | tail -n 1 | grep . || echo 000
}

by_bash() {
  # shellcheck disable=SC2016 # bash's own variables
  timeout "$seconds" bash -c '
    exec 3<>"/dev/tcp/${0%:*}/${0##*:}" || exit
    printf "GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" "$1" "$0" >&3
    IFS=" " read -r _ status _ <&3
    while IFS= read -r line <&3 && [ "$line" != "$(printf "\r")" ]; do :; done
    cat <&3
    printf "\n%s\n" "$status"' "${address}" "$page" 2>/dev/null || echo 000
}

for tool in curl wget bash; do
  if command -v "$tool" >/dev/null 2>&1; then
    answer=$("by_$tool")
    break
  fi
done
if [ -z "$tool" ] || [ -z "$answer" ]; then
  echo "found none of curl, wget and bash to ask $address"
  exit 2
fi

status=$(printf '%s\n' "$answer" | tail -n 1)
reason=$(printf '%s\n' "$answer" | sed '$d' | grep -v '^ *$' | head -n 3 | tr '\n' ' ' | tr -cd '[:print:]')
case $status in
  200) echo "the DNS cache is $good"; exit 0 ;;
  000) echo "no DNS cache answers at $address"; exit 1 ;;
  503) echo "the DNS cache is not $good${reason:+: $reason}"; exit 1 ;;
  *) echo "$address answers $status, which no DNS cache does"; exit 2 ;;
esac
