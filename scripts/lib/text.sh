# The text that is trained on where none is given. Sourced by scripts/run and scripts/bench.
# shellcheck shell=bash

default_text() { # sets `text` to Debian's jargon-text, unpacked, `text_licence` and `text_licence_file` to what it says of itself
  local packed=/usr/share/doc/jargon-text/jargon.txt.gz
  if [ ! -r "$packed" ]; then
    command -v apt-get >/dev/null || die "the default text comes from Debian's jargon-text; give one with --text FILE"
    apt_install jargon-text
    # Minimal images leave documentation out of packages; take the package's own file then.
    if [ ! -r "$packed" ]; then
      (cd "$BLYAN_CACHE" && apt-get download -qq jargon-text && dpkg -x jargon-text_*.deb jargon-text && rm -f jargon-text_*.deb)
      packed="$BLYAN_CACHE/jargon-text/usr/share/doc/jargon-text/jargon.txt.gz"
    fi
  fi
  text="$BLYAN_CACHE/jargon.txt"
  # The file is Latin-1 in a few places: as UTF-8, so that every reader agrees on it.
  gunzip -c "$packed" | { iconv -f UTF-8 -t UTF-8 2>/dev/null || gunzip -c "$packed" | iconv -f ISO-8859-1 -t UTF-8; } > "$text.part"
  mv "$text.part" "$text"
  # It says so itself, in one paragraph; the Public Domain Mark is how SPDX says it.
  # shellcheck disable=SC2034
  text_licence="CC-PDM-1.0" text_licence_file="$BLYAN_CACHE/jargon-licence.txt"
  awk -v RS= '/is in the public domain, to be freely/ { print; exit }' "$text" > "$text_licence_file"
  [ -s "$text_licence_file" ] || die "$text no longer says that it is in the public domain; give a text with --text FILE"
}
