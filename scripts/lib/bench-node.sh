# A node at rest: how long it takes to start, what it uses. Sourced by scripts/bench.
# shellcheck shell=bash

bench_node() { # bench_node JSON_FILE_OR_EMPTY
  local wasm="$CARGO_TARGET_DIR/debug/wbuild/blyan-runtime" base log pid port=0 started start_ms rss cpu_before cpu_after
  base="$(mktemp -d)"; log="$base/node.log"
  port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  started="$(date +%s%3N)"
  "$BLYAN_BIN/blyan-node" --dev --base-path "$base" --rpc-port "$port" --port 0 --no-prometheus --no-telemetry --no-mdns >"$log" 2>&1 &
  pid=$!
  # shellcheck disable=SC2064 # process and folder are known now
  trap "kill $pid 2>/dev/null; rm -rf '$base'" EXIT
  until curl -s -m 1 -H 'content-type: application/json' -d '{"id":1,"jsonrpc":"2.0","method":"chain_getHeader"}' "http://127.0.0.1:$port" >/dev/null; do
    kill -0 "$pid" 2>/dev/null || die "the node ended: $(tail -3 "$log")"
    [ $(($(date +%s%3N) - started)) -lt 120000 ] || die "the node did not answer within two minutes"
    sleep 0.05
  done
  start_ms=$(($(date +%s%3N) - started))
  sleep 30
  cpu_before="$(awk '{print $14 + $15}' "/proc/$pid/stat")"; sleep 30
  cpu_after="$(awk '{print $14 + $15}' "/proc/$pid/stat")"
  rss="$(awk '/VmRSS/ {print $2}' "/proc/$pid/status")"
  local compact compressed cpu
  compact="$(stat -c %s "$wasm/blyan_runtime.compact.wasm")"; compressed="$(stat -c %s "$wasm/blyan_runtime.compact.compressed.wasm")"
  cpu="$(awk -v ticks=$((cpu_after - cpu_before)) -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f", ticks / hz / 30 * 100}')"
  printf '%-42s %12s\n' "figure" "value" "runtime Wasm, compact (bytes)" "$compact" "runtime Wasm, compressed (bytes)" "$compressed" \
    "start to first RPC answer (ms)" "$start_ms" "resident memory at rest (KiB)" "$rss" "processor at rest (% of a core)" "$cpu"
  [ -z "$1" ] || jq -n --argjson a "$compact" --argjson b "$compressed" --argjson c "$start_ms" --argjson d "$rss" --argjson e "$cpu" \
    '{wasm_compact_bytes: $a, wasm_compressed_bytes: $b, start_milliseconds: $c, resident_kibibytes: $d, processor_percent: $e}' > "$1"
}
