# shellcheck shell=bash
# Debian packages and the Swift toolchain: what is missing, said plainly, and installed when that is possible.
# Sourced by tools/run, tools/test and tools/bench.

swift_wanted=6.2

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "needs root for: $*; run that as root, then this again (or install sudo)"
    fi
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# Installs those of the named packages that are missing; does nothing, and asks nobody, when none is.
need_packages() {
    command -v dpkg-query > /dev/null \
        || die "installs packages on Debian and its kin only; install the equivalents of: $*, then build with swift"
    local missing=() name
    for name in "$@"; do
        package_installed "$name" || missing+=("$name")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    say "Installing: ${missing[*]}"
    as_root apt-get update -qq || say "apt-get update failed; going on with the package lists that are here"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        > /dev/null || die "could not install: ${missing[*]}; see apt-get's words above"
}

# Ends with advice unless a Swift toolchain of at least $swift_wanted is here.
need_swift() {
    local version
    command -v swift > /dev/null || die "no Swift toolchain on PATH; install Swift $swift_wanted or later from" \
        "https://www.swift.org/install/linux/ and open a new shell"
    version=$(swift --version 2> /dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    [ -n "$version" ] || die "'swift --version' names no version; reinstall the Swift toolchain"
    if [ "$(printf '%s\n%s\n' "$swift_wanted" "$version" | sort -V | head -n 1)" != "$swift_wanted" ]; then
        die "Swift $version is too old; install Swift $swift_wanted or later from https://www.swift.org/install/linux/"
    fi
}

# What every build of the server needs.
# shellcheck disable=SC2034
build_packages=(libuv1-dev libssl-dev libsrt-openssl-dev libyaml-dev libnghttp2-dev zlib1g-dev pkg-config)
