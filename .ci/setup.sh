#!/usr/bin/env bash
# The environment in .venv, with pinned versions, and the system libraries Qt needs. Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Libraries that Qt opens when a window appears; the wheel does not bring them. A font, because Qt brings none either.
PACKAGES="libegl1 libgl1 libopengl0 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0
  libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1
  libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 libx11-xcb1 libsm6 libice6 fonts-dejavu-core"
SONAMES="libEGL.so.1 libGL.so.1 libxkbcommon.so.0 libxkbcommon-x11.so.0 libdbus-1.so.3 libfontconfig.so.1 libglib-2.0.so.0
  libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1 libxcb-render-util.so.0 libxcb-xinerama.so.0 libxcb-xkb.so.1"

say() { printf '%s\n' "$*" >&2; }

apt_install() { # needs root; otherwise only says what to type
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing system packages: $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    return 1
  fi
}

resolve() { # Ubuntu 24.04 renamed libglib2.0-0 to libglib2.0-0t64, which the old name still finds through apt
  for name in "$@"; do
    if apt-cache show "$name" >/dev/null 2>&1; then printf '%s ' "$name"
    elif apt-cache show "${name}t64" >/dev/null 2>&1; then printf '%s ' "${name}t64"; fi
  done
}

# --- Python ------------------------------------------------------------------------------------------------------
PYTHON=${PYTHON:-}
for candidate in python3 python3.13 python3.12 python3.11; do
  [ -n "$PYTHON" ] && break
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then PYTHON=$candidate; fi
done
[ -n "$PYTHON" ] || { say "Python 3.11, 3.12 or 3.13 is needed: install it (Debian/Ubuntu: sudo apt-get install python3 python3-venv), then run this again."; exit 1; }

# --- .venv -------------------------------------------------------------------------------------------------------
STAMP=.venv/.made-from
WANTED=$(cat pyproject.toml constraints.txt .ci/setup.sh | sha256sum | cut -d' ' -f1)
if [ ! -x .venv/bin/python ] || [ "$(cat $STAMP 2>/dev/null)" != "$WANTED" ]; then
  if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    VENV="python$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    apt_install "$VENV" || { say "Python's venv module is missing. Type:  sudo apt-get install $VENV   and run this again."; exit 1; }
  fi
  say "making .venv (a few minutes the first time) …"
  [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
  # torch first and by its pinned version: a bare `torch` would bring gigabytes of CUDA libraries
  .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt "$@" "torch==$(sed -n 's/^torch==//p' constraints.txt)"
  .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt "$@" -e . \
    $(.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml","rb"))["dependency-groups"]["dev"])' | tr ' ' '\n')
  echo "$WANTED" > $STAMP
fi

# --- Qt's system libraries ---------------------------------------------------------------------------------------
if [ "$(uname -s)" = Linux ]; then
  MISSING=""
  KNOWN=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
  for so in $SONAMES; do grep -q "$so" <<<"$KNOWN" || MISSING="$MISSING $so"; done
  if [ -n "$MISSING" ]; then
    apt_install $( (apt-get update -qq 2>/dev/null || true) ; resolve $PACKAGES) || {
      say "Qt needs system libraries that are missing:$MISSING"
      say "Type:  sudo apt-get install $(echo $PACKAGES)"
      say "(other distributions: the packages that hold those libraries), then run this again."
      exit 1
    }
  fi
fi

# --- a face with Chinese ------------------------------------------------------------------------------------------
# Only Chinese text needs it, so nothing fails without. It is tried once for each .venv: as root from the system's packages,
# else the package is unpacked beside .venv's Python, where the studio looks; nothing asks for a password.
CJK=fonts-wqy-microhei
has_cjk() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family 2>/dev/null | head -n 1)" ]; }
unpack_cjk() { # apt-get download needs no root
  local here; here=$(mktemp -d) || return 1
  (cd "$here" && timeout 60 apt-get download -qq "$CJK" && dpkg-deb -x ./*.deb .) >/dev/null 2>&1 || true
  mkdir -p .venv/share/fonts
  find "$here" -name '*.tt[cf]' -type f -exec cp {} .venv/share/fonts/ \;
  rm -rf "$here"
  ls .venv/share/fonts/*.tt[cf] >/dev/null 2>&1
}
if [ "$(uname -s)" = Linux ] && [ ! -e .venv/.cjk-tried ]; then
  touch .venv/.cjk-tried
  if ! has_cjk && ! ls .venv/share/fonts/*.tt[cf] >/dev/null 2>&1; then
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && say "installing a face with Chinese: $CJK" &&
      timeout 120 apt-get install -y -qq --no-install-recommends "$CJK" >/dev/null 2>&1; } ||
      { command -v apt-get >/dev/null && unpack_cjk; } ||
      say "No face with Chinese is here, and none could be added. To read Chinese text, type:  sudo apt-get install $CJK"
  fi
fi
