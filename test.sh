#!/usr/bin/env bash
# Builds everything and runs all tests, on a fresh clone and from any directory. Installs what is missing on Debian and Ubuntu.
# Arguments are passed on to the runner: ./test.sh --filter-class '*TidyTests'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

if ! command -v dotnet >/dev/null; then
  echo "The .NET SDK is missing (global.json says which): https://dotnet.microsoft.com/download" >&2
  exit 1
fi

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null || { command -v pg_ctl && command -v initdb; } >/dev/null; }

install_postgres() {
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo -n)
  command -v apt-get >/dev/null || return 1
  "${root[@]}" apt-get update -qq \
    && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql
}

# The tests start a server of their own; only its programs must be there.
if [ -z "${DBOS_TEST_POSTGRES:-}" ] && ! has_postgres; then
  install_postgres || echo "No PostgreSQL server: its tests are skipped (under CI=true they fail). Install PostgreSQL 15 or later," \
    "with initdb and pg_ctl on PATH (macOS: brew install postgresql; Fedora: dnf install postgresql-server)," \
    "or set DBOS_TEST_POSTGRES to a connection string." >&2
fi

# Tests of what other DBOS SDKs read and write need their package.
interop=Dbos.Fluent.Tests/Interop
if [ -f "$interop/package-lock.json" ]; then
  if command -v npm >/dev/null; then
    (cd "$interop" && npm ci --no-audit --no-fund --loglevel=error)
  else
    echo "No node: the tests against the TypeScript SDK are skipped. Install Node.js 20 or later, with npm." >&2
  fi
fi

# The tests and the processes they start are compiled to machine code once, ahead of time. The compiler for that is a package of its own;
# where it cannot be had, the tests only take longer.
ahead=true
dotnet restore --verbosity quiet -p:CompileAhead=true || { ahead=false; dotnet restore --verbosity quiet; }
dotnet build --no-restore --configuration Release --verbosity quiet --nologo -p:CompileAhead=$ahead
[ -t 1 ] || echo "Running the tests. All of them take 10 to 20 minutes on two cores; their progress is shown on a terminal only."
dotnet test --solution Dbos.Fluent.sln --no-build --configuration Release \
  --results-directory "${TEST_RESULTS:-$PWD/TestResults}" --report-xunit-trx "$@"
