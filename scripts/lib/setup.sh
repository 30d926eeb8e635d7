# Installs what the build needs, and says what it does. Sourced by scripts/run, scripts/test
# and scripts/bench; safe to source again: each step looks before it acts.
# shellcheck shell=bash

APT_PACKAGES=(build-essential clang libclang-dev protobuf-compiler cmake mold pkg-config libssl-dev ca-certificates curl git jq)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else die "need root to run: $*"; fi; }

apt_updated=0
apt_install() { # apt_install PACKAGE...: installs those that are missing
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing by apt: ${missing[*]}"
  if [ "$apt_updated" = 0 ]; then as_root apt-get update -qq; apt_updated=1; fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$BLYAN_CACHE/apt.log" 2>&1 \
    || die "apt-get install failed; its output is in $BLYAN_CACHE/apt.log"
}

setup_packages() {
  if command -v apt-get >/dev/null; then
    apt_install "${APT_PACKAGES[@]}"
  else
    local tool missing=()
    for tool in cc clang protoc cmake mold pkg-config curl git jq; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    [ ${#missing[@]} = 0 ] || die "no apt-get here; please install with your package manager: ${missing[*]} (clang with its libclang development files)"
  fi
}

setup_rust() {
  # A machine may carry rustup's toolchains under the first user's home only: an empty HOME then
  # still finds cargo on the PATH, but rustup needs to be told where they are.
  if command -v rustup >/dev/null && ! rustup toolchain list 2>/dev/null | grep -q .; then
    local rustup_bin; rustup_bin="$(dirname "$(readlink -f "$(command -v rustup)")")"
    local candidate="${rustup_bin%/.cargo/bin}/.rustup"
    [ -d "$candidate/toolchains" ] && export RUSTUP_HOME="$candidate"
  fi
  command -v cargo >/dev/null && command -v rustup >/dev/null \
    || die "Rust is missing. Install rustup (https://rustup.rs), then run this again."
  (cd "$BLYAN_ROOT" && cargo --version >/dev/null 2>&1) \
    || (cd "$BLYAN_ROOT" && rustup toolchain install) \
    || die "the Rust toolchain named in rust-toolchain.toml could not be installed"
}

# The runtime is built for wasm32v1-none. Where rustup cannot add that target, the standard library
# is built from Debian's rust-web-src into a private sysroot, linked as the toolchain blyan-wasm.
setup_wasm() {
  local sysroot; sysroot="$(cd "$BLYAN_ROOT" && rustc --print sysroot)"
  if [ -d "$sysroot/lib/rustlib/wasm32v1-none" ] || (cd "$BLYAN_ROOT" && rustup target add wasm32v1-none >/dev/null 2>&1); then
    return 0
  fi
  command -v apt-get >/dev/null || die "rustup could not add the target wasm32v1-none; add it by hand and run this again"
  apt_install rustc-web cargo-web rust-web-src
  local root="$BLYAN_CACHE/wasm-toolchain" lld
  local version; version="$(/usr/bin/rustc --version)"
  if [ "$(cat "$root/version" 2>/dev/null)" != "$version" ]; then
    say "building the Wasm standard library (once, about half a minute)"
    rm -rf "$root"; mkdir -p "$root/bin" "$root/lib/rustlib/wasm32v1-none/lib" "$root/lib/rustlib/x86_64-unknown-linux-gnu/bin" "$root/core/src"
    ln -s /usr/lib/rustlib/src "$root/lib/rustlib/src"
    ln -s /usr/lib/rustlib/x86_64-unknown-linux-gnu/lib "$root/lib/rustlib/x86_64-unknown-linux-gnu/lib"
    lld="$(find "$sysroot/lib/rustlib" -name rust-lld | head -1)"
    [ -n "$lld" ] || die "rust-lld is missing from $sysroot"
    ln -s "$lld" "$root/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"
    printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot %s "$@"\n' "$root" > "$root/bin/rustc"
    printf '#!/bin/sh\nRUSTC=%s/bin/rustc exec /usr/bin/cargo "$@"\n' "$root" > "$root/bin/cargo"
    chmod +x "$root/bin/rustc" "$root/bin/cargo"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' > "$root/core/Cargo.toml"
    printf '#![no_std]\n' > "$root/core/src/lib.rs"
    # Embedded bitcode: without it the runtime's link-time optimisation fails.
    (cd "$root/core" && RUSTFLAGS=-Cembed-bitcode=yes RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$root/core/target" \
      "$root/bin/cargo" build --release -Zbuild-std=core,alloc --target wasm32v1-none) >"$BLYAN_CACHE/wasm-toolchain.log" 2>&1 \
      || die "building the Wasm standard library failed; see $BLYAN_CACHE/wasm-toolchain.log"
    cp "$root"/core/target/wasm32v1-none/release/deps/lib{core,alloc,compiler_builtins}-*.rlib "$root/lib/rustlib/wasm32v1-none/lib/"
    rm -rf "$root/core"
    printf '%s' "$version" > "$root/version"
  fi
  rustup toolchain list | grep -q '^blyan-wasm' || rustup toolchain link blyan-wasm "$root"
  export WASM_BUILD_TOOLCHAIN=blyan-wasm
}

setup_all() { setup_packages; setup_rust; setup_wasm; }

# Tools of the tests alone, from crates.io where they are missing.
setup_test_tools() {
  local tool
  for tool in cargo-nextest@0.9.143 cargo-deny@0.20.2; do
    command -v "${tool%%@*}" >/dev/null && continue
    say "installing ${tool%%@*} (once, a few minutes)"
    cargo install --locked --quiet "$tool" --root "$BLYAN_CACHE/tools" || die "cargo could not install $tool"
  done
  if command -v node >/dev/null && command -v npm >/dev/null; then return 0; fi
  command -v apt-get >/dev/null || die "the Polkadot.js test needs Node.js 18 or newer with npm"
  apt_install nodejs npm
}

# What fuzzing needs besides: it works on the nightly toolchain only.
setup_fuzz_tools() {
  rustup run nightly rustc --version >/dev/null 2>&1 || rustup toolchain install nightly --profile minimal \
    || die "fuzzing needs Rust's nightly toolchain, which could not be installed"
  command -v cargo-fuzz >/dev/null && return 0
  say "installing cargo-fuzz (once, a few minutes)"
  cargo install --locked --quiet cargo-fuzz@0.13.2 --root "$BLYAN_CACHE/tools" || die "cargo could not install cargo-fuzz"
}
