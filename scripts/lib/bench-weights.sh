# Benchmarks our pallets on the runtime's Wasm with frame-omni-bencher. Sourced by scripts/bench.
# shellcheck shell=bash

OMNI_BENCHER_VERSION=0.28.0
BENCHMARKED_PALLETS=(workers expert-dag proof-of-learning rewards)

bench_weights() {
  export PATH="$BLYAN_CACHE/omni/bin:$PATH"
  if ! command -v frame-omni-bencher >/dev/null; then
    say "installing frame-omni-bencher $OMNI_BENCHER_VERSION (once; half an hour on two cores)"
    CARGO_TARGET_DIR="$BLYAN_CACHE/omni-target" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
      cargo install --locked --quiet "frame-omni-bencher@$OMNI_BENCHER_VERSION" --root "$BLYAN_CACHE/omni" \
      || die "frame-omni-bencher could not be installed"
  fi
  say "building the runtime with its benchmarks"
  # A folder of its own: the everyday build keeps the runtime without benchmarks.
  CARGO_TARGET_DIR="$BLYAN_CACHE/bench-target" cargo build --locked --quiet -p blyan-runtime --features runtime-benchmarks
  local wasm="$BLYAN_CACHE/bench-target/debug/wbuild/blyan-runtime/blyan_runtime.wasm" pallet
  for pallet in "${BENCHMARKED_PALLETS[@]}"; do
    say "pallet-$pallet"
    frame-omni-bencher v1 benchmark pallet --runtime "$wasm" --pallet "pallet_${pallet//-/_}" --extrinsic '*' \
      --steps 20 --repeat 10 --genesis-builder-preset development --template "$BLYAN_ROOT/scripts/lib/weights.hbs" \
      --output "$BLYAN_ROOT/pallets/$pallet/src/weights.rs" || die "the benchmarks of pallet-$pallet failed"
  done
  rustfmt --edition 2021 --config-path "$BLYAN_ROOT/rustfmt.toml" "$BLYAN_ROOT"/pallets/*/src/weights.rs
  good "weights written; look at them with git diff"
}
