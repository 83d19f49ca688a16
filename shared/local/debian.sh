# debian.sh FOLDER RELEASE PACKAGE: unpacks a package of a Debian release into FOLDER/root, with every library it needs,
# without root and without a change to the system's packages. Its programs run on any Linux.
set -eu
folder=$1 release=$2 package=$3
apt="$folder/apt" root="$folder/root"
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2> /dev/null | head -n 1) || true
if [ -z "$mirror" ]; then
    echo "$package of Debian $release: this machine's apt has no Debian mirror; set PGBOUNCER to a pgbouncer" >&2
    exit 1
fi
rm -rf "$apt" "$root"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$root"
: > "$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" > "$apt/sources.list"
get() {
    apt-get -qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}
get update
get install -y --no-install-recommends --download-only "$package"
for archive in "$apt/cache/archives/"*.deb; do dpkg -x "$archive" "$root"; done
rm -rf "$apt"
# Each program starts through the loader of its own release, with that release's libraries.
loader=$(find "$root" -name 'ld-linux-*.so.*' | head -n 1)
libraries=$(find "$root/lib" "$root/usr/lib" -maxdepth 1 -name '*-linux-gnu*' 2> /dev/null | paste -sd : -)
for program in "$root"/usr/sbin/pgbouncer "$root"/usr/lib/postgresql/*/bin/*; do
    [ -f "$program" ] || continue
    mv "$program" "$program.elf"
    printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "%s" "$@"\n' "$loader" "$libraries" "$program.elf" > "$program"
    chmod 755 "$program"
done
