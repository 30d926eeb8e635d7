# Two validators on loopback: how far apart blocks are, and how long each takes to become final.
# Sourced by scripts/bench.
# shellcheck shell=bash

bench_blocks() { # bench_blocks JSON_FILE_OR_EMPTY
  local base ports bootnode figures
  base="$(mktemp -d)"
  mapfile -t ports < <(python3 -c 'import socket
held = [socket.socket() for _ in range(3)]
for s in held: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # shellcheck disable=SC2064 # the folder is known now
  trap "kill \$(jobs -p) 2>/dev/null; wait; rm -rf '$base'" EXIT
  "$BLYAN_BIN/blyan-node" key generate-node-key --file "$base/alice.key" 2>"$base/peer"
  bootnode="/ip4/127.0.0.1/tcp/${ports[2]}/p2p/$(cat "$base/peer")"
  local common=(--chain local --validator --no-telemetry --no-prometheus --no-mdns --allow-private-ip --unsafe-force-node-key-generation)
  "$BLYAN_BIN/blyan-node" "${common[@]}" --alice --base-path "$base/alice" --rpc-port "${ports[0]}" \
    --listen-addr "/ip4/127.0.0.1/tcp/${ports[2]}" --node-key-file "$base/alice.key" >"$base/alice.log" 2>&1 &
  "$BLYAN_BIN/blyan-node" "${common[@]}" --bob --base-path "$base/bob" --rpc-port "${ports[1]}" \
    --listen-addr /ip4/127.0.0.1/tcp/0 --bootnodes "$bootnode" >"$base/bob.log" 2>&1 &
  (cd "$BLYAN_ROOT/tests/js" && npm ci --no-audit --no-fund --silent)
  figures="$(timeout 900 node "$BLYAN_ROOT/tests/js/blocks.mjs" "ws://127.0.0.1:${ports[0]}" 200 | tail -1)" \
    || die "no 200 blocks became final; the last lines of a validator: $(tail -3 "$base/alice.log")"
  jq -r '["milliseconds", "median", "95 %", "most"], (["between blocks", "import to finality"] as $names
    | [.between_blocks, .import_to_finality] | to_entries[] | [$names[.key], .value.median, .value.p95, .value.maximum]) | @tsv' \
    <<<"$figures" | column -t -s $'\t'
  [ -z "$1" ] || printf '%s\n' "$figures" > "$1"
}
