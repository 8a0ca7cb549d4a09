#!/bin/sh
# Builds libmailslot and installs it with its headers and pkg-config files.
set -eu

usage() {
    cat <<'USAGE'
Usage: install.sh [--prefix DIR] [--libdir DIR] [--includedir DIR] [--destdir DIR] [--profile NAME]
       install.sh --uninstall [the same directories]

Builds libmailslot and installs it.

  --prefix DIR      where it will be used from (default: /usr/local)
  --libdir DIR      for the libraries (default: PREFIX/lib)
  --includedir DIR  for the headers (default: PREFIX/include)
  --destdir DIR     write everything below DIR, for packagers; not part of any path in the files
  --profile NAME    the cargo profile to build (default: release)
  --uninstall       remove what the same command without it has installed

Installed files may be moved together: pkg-config --define-prefix finds them where they are.
USAGE
}

prefix=/usr/local libdir= includedir= destdir= profile=release uninstall=
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --uninstall) uninstall=yes && shift && continue ;;
    --prefix | --libdir | --includedir | --destdir | --profile) ;;
    --*=*)
        option=${1%%=*} value=${1#*=}
        shift
        set -- "$option" "$value" "$@"
        continue
        ;;
    *) echo "install.sh: $1 is no option" >&2 && usage >&2 && exit 2 ;;
    esac
    if [ $# -lt 2 ]; then
        echo "install.sh: $1 needs a value" >&2
        exit 2
    fi
    case $1 in
    --prefix) prefix=$2 ;;
    --libdir) libdir=$2 ;;
    --includedir) includedir=$2 ;;
    --destdir) destdir=$2 ;;
    --profile) profile=$2 ;;
    esac
    shift 2
done
# Paths are written into the pkg-config files: they must mean the same from everywhere.
absolute() { case $1 in /* | '') printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
prefix=$(absolute "$prefix") libdir=$(absolute "$libdir") includedir=$(absolute "$includedir")
destdir=$(absolute "$destdir")
: "${libdir:=$prefix/lib}" "${includedir:=$prefix/include}"

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
cargo=${CARGO:-cargo}

version=$("$cargo" pkgid --locked -p mailslot-c | sed 's/.*[#@]//')
major=${version%%.*}
libraries=$destdir$libdir headers=$destdir$includedir
windows=$headers/mailslot-windows packages=$libraries/pkgconfig

if [ -n "$uninstall" ]; then
    rm -f "$libraries/libmailslot.so.$version" "$libraries/libmailslot.so.$major" \
        "$libraries/libmailslot.so" "$libraries/libmailslot.a" "$headers/mailslot.h" \
        "$packages/mailslot.pc" "$packages/mailslot-windows.pc"
    rm -rf "$windows"
    # Others may have files there.
    for directory in "$packages" "$libraries" "$headers" "$destdir$prefix"; do
        rmdir "$directory" 2>/dev/null || true
    done
    echo "Removed libmailslot $version from $destdir$prefix."
    exit 0
fi

"$cargo" build --locked --profile "$profile" -p mailslot-c

metadata=$("$cargo" metadata --locked --no-deps --format-version 1)
target=$(printf '%s' "$metadata" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
case $profile in dev | test) directory=debug ;; bench) directory=release ;; *) directory=$profile ;; esac
built=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}$directory
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' ../../Cargo.toml)

install -d "$packages" "$windows"
install -m 755 "$built/libmailslot.so" "$libraries/libmailslot.so.$version"
ln -sf "libmailslot.so.$version" "$libraries/libmailslot.so.$major"
ln -sf "libmailslot.so.$major" "$libraries/libmailslot.so"
install -m 644 "$built/libmailslot.a" "$libraries/libmailslot.a"
install -m 644 include/mailslot.h "$headers/mailslot.h"
install -m 644 include/compat/*.h "$windows/"
# Names are case-sensitive here, and on Windows much of windows.h is in files of its own. (No links:
# some compilers warn of a link to a name in another case.)
alias_for() {
    header=$1
    shift
    for name; do
        printf '/* All of it is in %s. */\n#include "%s"\n' "$header" "$header" >"$windows/$name"
        chmod 644 "$windows/$name"
    done
}
alias_for windows.h Windows.h WINDOWS.H winbase.h WinBase.h Winbase.h windef.h WinDef.h winnt.h \
    WinNT.h winerror.h WinError.h Winerror.h wincon.h winuser.h winnls.h wtypes.h WTypes.h lmcons.h \
    Lmcons.h minwindef.h basetsd.h sal.h synchapi.h handleapi.h fileapi.h errhandlingapi.h \
    processthreadsapi.h consoleapi.h namedpipeapi.h io.h direct.h crtdbg.h intrin.h targetver.h \
    sdkddkver.h SDKDDKVer.h
alias_for tchar.h TCHAR.H Tchar.h TChar.h
alias_for strsafe.h StrSafe.h Strsafe.h STRSAFE.H
alias_for conio.h Conio.h CONIO.H
alias_for process.h Process.h PROCESS.H
alias_for sddl.h Sddl.h
alias_for stdafx.h StdAfx.h Stdafx.h STDAFX.H pch.h
alias_for iostream.h fstream.h iomanip.h
# Said relative to the prefix, what lies below it can be moved with it.
below() { case $1 in "$prefix"/*) printf '${prefix}%s' "${1#"$prefix"}" ;; *) printf '%s' "$1" ;; esac; }
for name in mailslot mailslot-windows; do
    sed -e "s|@prefix@|$prefix|" -e "s|@libdir@|$(below "$libdir")|" \
        -e "s|@includedir@|$(below "$includedir")|" -e "s|@version@|$version|" \
        -e "s|@repository@|$repository|" $name.pc.in >"$packages/$name.pc"
    chmod 644 "$packages/$name.pc"
done

echo "Installed libmailslot $version in $destdir$prefix."
case $prefix in
/usr | /usr/local) echo "If programs don't find it, run: ldconfig" ;;
esac
