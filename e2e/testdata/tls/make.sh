#!/usr/bin/env bash
# Makes the certificates of the tests: an authority with a server and a client, and an authority that nobody asked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

authority() {  # authority NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=test $1" \
    -keyout "$1.key" -out "$1.pem"
}

signed() {  # signed NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=test $1" \
    -CA authority.pem -CAkey authority.key -addext "basicConstraints=critical,CA:FALSE" \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$1.key" -out "$1.pem"
}

authority authority
authority other
signed server
signed client
rm authority.key other.key
