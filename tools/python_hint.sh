#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Say how this machine gets what the desk environment needs: called by make when it is not there.
# FER_OS_RELEASE and FER_MACHINE stand in for the machine's own in tests.
machine=${FER_MACHINE:-$(uname -sm)}
if [ "$machine" != 'Linux x86_64' ]; then
  echo "The desk environment needs Linux on x86-64, and this is $machine: there are no ROS 2 wheels"
  echo "for it. Without ROS, a Raspberry Pi included: fer-home (docs/at_home.md). With ROS 2: build"
  echo "with colcon (README, On a machine with ROS 2)."
  exit
fi
. "${FER_OS_RELEASE:-/etc/os-release}" 2>/dev/null
echo "The desk environment needs Python 3.11, the only one for which there are ROS 2 wheels, and ${1:-python3.11}"
echo "is not it. To install it beside the Python of this system:"
if command -v uv >/dev/null; then
  way=uv
elif command -v pyenv >/dev/null; then
  way=pyenv
else
  case "${ID:-}:${VERSION_ID:-}" in
    debian:12) way='apt' ;;
    ubuntu:*) way='deadsnakes' ;;
    fedora:*|rhel:*|rocky:*|almalinux:*|centos:*) way='dnf' ;;
    opensuse*) way='zypper' ;;
    *) way=none ;;
  esac
fi
case "$way" in
  uv)
    echo '  uv python install 3.11 && make PYTHON="$(uv python find 3.11)" demo' ;;
  pyenv)
    echo '  pyenv install -s 3.11 && make PYTHON="$(pyenv prefix 3.11)/bin/python" demo' ;;
  apt)
    echo '  sudo apt install python3.11 python3.11-venv && make demo' ;;
  deadsnakes)
    echo '  sudo add-apt-repository -y ppa:deadsnakes/ppa'
    echo '  sudo apt install python3.11 python3.11-venv && make demo' ;;
  dnf)
    echo '  sudo dnf install python3.11 && make demo' ;;
  zypper)
    echo '  sudo zypper install python311 && make demo' ;;
  none)
    echo "  ${PRETTY_NAME:-This system} does not package it; uv brings it to any Linux (pipx install uv), then:"
    echo '  uv python install 3.11 && make PYTHON="$(uv python find 3.11)" demo' ;;
esac
