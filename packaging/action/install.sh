#!/usr/bin/env bash
# Installs auditor for the steps that follow: the binary of a release whose checksum fits, or one that is
# built from the action's own checkout. Nothing is installed whose checksum is missing or another one.
set -euo pipefail

fail() {
  local message=${1//%/%25}
  message=${message//$'\r'/%0D}
  echo "::error title=auditor is not installed::${message//$'\n'/%0A}"
  exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=${INPUT_VERSION:-}
version=${version#v}
if [ -z "$version" ]; then
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
fi

# Paths as bash has them; on Windows the runner has others.
temp=$RUNNER_TEMP
if command -v cygpath >/dev/null; then temp=$(cygpath -u "$RUNNER_TEMP"); fi

# Lets the steps that follow find what is in that directory.
add_to_path() {
  if command -v cygpath >/dev/null; then cygpath -w "$1"; else echo "$1"; fi >>"$GITHUB_PATH"
}

build() {
  local place=$temp/auditor-source
  command -v cargo >/dev/null || fail "building it needs Rust (cargo), which this runner does not have"
  cargo install --locked --path "$root" --root "$place" || fail "cargo could not build it"
  add_to_path "$place/bin"
}

# The triple of the release for this runner.
target() {
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) echo x86_64-unknown-linux-musl ;;
    Linux-ARM64) echo aarch64-unknown-linux-musl ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
    # On ARM Windows runs it, too.
    Windows-X64 | Windows-ARM64) echo x86_64-pc-windows-msvc ;;
    *) return 1 ;;
  esac
}

checksum_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

download() {
  curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --max-time 300 \
    --output "$2" "$1"
}

check() { # ARCHIVE
  local expected actual
  expected=$(cut -d ' ' -f 1 <"$1.sha256" | tr -d '\r')
  [[ $expected =~ ^[0-9a-f]{64}$ ]] || fail "$(basename "$1").sha256 holds no SHA-256 checksum"
  actual=$(checksum_of "$1")
  [ "$actual" = "$expected" ] ||
    fail "the checksum of $(basename "$1") is $actual, and the release says $expected"
  [ -z "${INPUT_SHA256:-}" ] || [ "$actual" = "$INPUT_SHA256" ] ||
    fail "the checksum of $(basename "$1") is $actual, and the input sha256 says $INPUT_SHA256"
}

unpack() { # ARCHIVE INTO
  case $1 in
    *.zip) unzip -q "$1" -d "$2" ;;
    *) tar -xzf "$1" -C "$2" ;;
  esac
}

install_release() {
  local triple name ending=tar.gz suffix='' url work said
  triple=$(target) ||
    fail "there is no release for ${RUNNER_OS:-?} on ${RUNNER_ARCH:-?}; set the input build to true"
  case $triple in *windows*) ending=zip suffix=.exe ;; esac
  name=auditor-$version-$triple
  url=${GITHUB_SERVER_URL:-https://github.com}/${AUDITOR_REPOSITORY:-$GITHUB_REPOSITORY}
  url=$url/releases/download/v$version/$name.$ending
  work=$(mktemp -d "$temp/auditor-XXXXXX")
  download "$url" "$work/$name.$ending" ||
    fail "cannot download $url; is there a release v$version? The input build: true builds it instead"
  download "$url.sha256" "$work/$name.$ending.sha256" || fail "cannot download $url.sha256, and nothing is installed without a checksum"
  check "$work/$name.$ending"
  unpack "$work/$name.$ending" "$work" || fail "cannot unpack $name.$ending"
  said=$("$work/$name/auditor$suffix" --version) || fail "the program in $name.$ending does not run here"
  case "$said " in
    "auditor $version "*) ;;
    *) fail "the release v$version holds another version: $said" ;;
  esac
  echo "Installed $said from $url"
  add_to_path "$work/$name"
}

if [ "$version" = source ] || [ "${INPUT_BUILD:-false}" = true ]; then
  build
else
  [[ $version =~ ^[0-9A-Za-z.+-]+$ ]] || fail "the version '$version' is none; write it as 0.2.0"
  install_release
fi
