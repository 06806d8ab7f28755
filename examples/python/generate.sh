#!/usr/bin/env bash
# Makes the Python stubs from ../../proto into ./generated (ignored by git).
# PYTHON names the interpreter that has requirements.txt installed; python3 by default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=generated
rm -rf "$out"
mkdir -p "$out"
# google/* is not generated: googleapis-common-protos, which grpcio-status brings, has it.
"${PYTHON:-python3}" -m grpc_tools.protoc -I ../../proto \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  ../../proto/ringfence/screening/v1/*.proto
echo "stubs are in $PWD/$out"
