# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Packages of Debian's sid, by the mirror that apt is set up with and checked by Debian's keys, to be
# unpacked somewhere: nothing is installed, apt's own state is left alone.

# sid_open DIRECTORY: reads the list of packages; its files are in that directory.
sid_open() {
	local uri
	mkdir -p "$1/lists/partial" "$1/archives/partial"
	: >"$1/status"
	# shellcheck disable=SC2016 # apt replaces it
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -E '/debian/?$' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"${uri:-http://deb.debian.org/debian/} sid main" >"$1/sources.list"
	SID_APT=(-qq -o Dir::Etc::SourceList="$1/sources.list" -o Dir::Etc::SourceParts=-
		-o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=-
		-o Dir::State::Lists="$1/lists" -o Dir::Cache="$1"
		-o Dir::State::Status="$1/status" -o APT::Sandbox::User=root)
	apt-get "${SID_APT[@]}" update >&2
}

# sid_needs PACKAGE...: the names of them and of all that they need, as if nothing was installed.
sid_needs() {
	apt-get "${SID_APT[@]}" -s --no-install-recommends install "$@" 2>/dev/null |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort -u
}

# sid_unpack TREE PACKAGE...
sid_unpack() {
	local tree=$1 debs deb
	shift
	debs=$(mktemp -d "$tree.XXXXXX")
	(cd "$debs" && apt-get "${SID_APT[@]}" download "$@" >&2) || return
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$tree" || return
	done
	rm -rf "$debs"
}
