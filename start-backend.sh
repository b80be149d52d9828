#!/usr/bin/env bash
#
# Starts the backend from a checkout. The first start installs, builds and makes .env, data/ and logs/; a later start
# finds all that done and goes straight to the server. `./start-backend.sh --help` says more.
set -euo pipefail

MIN_NODE=20.15
INSTALL_STAMP=node_modules/.installed-for
AGENT_ID=local-agent
AGENT_INTERVAL_S=10
AGENT_SPOOL=data/agent
AGENT_LOG=logs/agent.log
AGENT_LOG_MAX_KB=5120

usage() {
  cat <<HELP
Usage: ./start-backend.sh [--with-agent] [--help]

Checks Node (>= $MIN_NODE), installs the dependencies, builds, makes data/, logs/ and .env (from config.env.example),
and runs the server in the foreground; Ctrl-C stops it cleanly. What is done already is not done again: dependencies
are installed anew when package-lock.json or Node changes, and the build is made anew when a source changes.

  --with-agent  also runs an agent that monitors this machine, for as long as the server runs. Its id is $AGENT_ID, it
                measures every $AGENT_INTERVAL_S s, keeps what it could not send in $AGENT_SPOOL, and logs to $AGENT_LOG.

Settings: edit .env; config.env.example explains every one. The environment wins over the file:
  PORT=9000 LOG_LEVEL=debug ./start-backend.sh
HELP
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'start-backend: %s\n' "$*" >&2
  exit 1
}

# The project's folder, also when this script was called through a symbolic link.
project_folder() {
  local script=${BASH_SOURCE[0]} folder
  while [ -L "$script" ]; do
    folder=$(cd -P "$(dirname "$script")" && pwd)
    script=$(readlink "$script")
    case $script in /*) ;; *) script=$folder/$script ;; esac
  done
  cd -P "$(dirname "$script")" && pwd
}

check_node() {
  command -v node >/dev/null 2>&1 || fail "Node.js is not installed. Install version $MIN_NODE or newer: https://nodejs.org"
  local version major minor
  version=$(node -p 'process.versions.node')
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  if [ "$major" -lt "${MIN_NODE%.*}" ] || { [ "$major" -eq "${MIN_NODE%.*}" ] && [ "$minor" -lt "${MIN_NODE#*.}" ]; }; then
    fail "Node.js $version is too old: version $MIN_NODE or newer is needed (https://nodejs.org)."
  fi
}

# What the installed packages depend on: the lock file, and Node's binary interface (better-sqlite3 is compiled for it).
install_key() { printf '%s node-abi-%s\n' "$(cksum <package-lock.json)" "$(node -p 'process.versions.modules')"; }

# True when somebody ran `npm ci` by hand since the lock file last changed, with a Node like this one.
installed_by_hand() {
  [ ! -e "$INSTALL_STAMP" ] && [ node_modules/.package-lock.json -nt package-lock.json ] && [ -x node_modules/.bin/tsc ] &&
    node -e 'new (require("better-sqlite3"))(":memory:").close()' 2>/dev/null
}

install_dependencies() {
  local key
  key=$(install_key)
  if [ -f "$INSTALL_STAMP" ] && [ "$(cat "$INSTALL_STAMP")" = "$key" ]; then return; fi
  if installed_by_hand; then
    printf '%s\n' "$key" >"$INSTALL_STAMP"
    return
  fi
  command -v npm >/dev/null 2>&1 || fail "npm is not installed. It comes with Node.js: https://nodejs.org"
  say "Installing dependencies (about a minute; better-sqlite3 may have to be compiled) ..."
  # The build needs the development packages, also where NODE_ENV=production would leave them out.
  if ! npm ci --include=dev --no-audit --no-fund; then
    local missing=()
    for tool in python3 make g++; do
      command -v "$tool" >/dev/null 2>&1 || missing+=("$tool")
    done
    if [ ${#missing[@]} -gt 0 ]; then
      fail "npm ci failed. Compiling better-sqlite3 needs ${missing[*]}, missing here. On Debian or Ubuntu: apt-get install -y python3 make g++"
    fi
    fail "npm ci failed; see the messages above."
  fi
  printf '%s\n' "$key" >"$INSTALL_STAMP"
}

# True when the first argument was made after the last change of the others. Folders count too: a deleted source leaves its mark on
# the folder it was in.
is_newer() {
  local made=$1
  shift
  [ -f "$made" ] && [ -z "$(find "$@" package-lock.json -newer "$made" 2>/dev/null | head -n 1)" ]
}

build() {
  if ! [ -f agent/dist/main.js ] || ! is_newer dist/main.js src agent/src tsconfig.json agent/tsconfig.json; then
    say "Building ..."
    if ! npm run --silent build:server; then
      # The compiler writes its output in spite of errors: such a build must not pass for a good one at the next start.
      rm -f dist/main.js
      fail "the build failed; see the messages above."
    fi
  fi
  if ! is_newer web/dist/browser/index.html web/src web/public web/angular.json web/tsconfig.json web/package.json; then
    say "Building the console (half a minute) ..."
    npm run --silent build:console || fail "the build of the console failed; see the messages above."
  fi
}

make_folders_and_settings() {
  mkdir -p data logs
  if [ ! -e .env ]; then
    # Tokens and keys will be written into it: nobody else may read it.
    (umask 077 && cp config.env.example .env && chmod 600 .env)
    say "Made .env from config.env.example: settings go there."
  fi
}

# A setting as the server sees it, for the lines below only: the environment, else the last one in .env. A value in quotes ends at the
# closing one; any other at a #, whatever stands before it.
setting() {
  if [ -n "${!1+set}" ]; then
    printf '%s' "${!1}"
  else
    sed -n -e "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*//p" .env |
      sed -e 's/^"\([^"]*\)".*/\1/' -e t -e "s/^'\([^']*\)'.*/\1/" -e t -e 's/^`\([^`]*\)`.*/\1/' -e t -e 's/[[:space:]]*#.*//' -e 's/[[:space:]]*$//' |
      sed -n -e '$p'
  fi
}

print_urls() {
  local host port
  host=$(setting HOST)
  port=$(setting PORT)
  case $host in '' | 0.0.0.0 | ::) host=localhost ;; *:*) host="[$host]" ;; esac
  port=${port:-8080}
  if [ "$port" = 0 ]; then
    port=PORT
    say "The port is a free one: see the line \"listening\" below."
  fi
  say "Console  http://$host:$port/"
  say "REST     http://$host:$port/api/v1"
  say "Health   http://$host:$port/health"
  say "Metrics  http://$host:$port/metrics"
  say "Agents   ws://$host:$port/api/v1/agents/connect"
  say "Live     ws://$host:$port/ws"
}

# Where the agent finds the server: it is told, and does not look into .env itself.
server_host() {
  local host
  host=$(setting HOST)
  case $host in '' | 0.0.0.0 | ::) host=127.0.0.1 ;; *:*) host="[$host]" ;; esac
  printf '%s' "$host"
}

# Moves the log aside when it has grown long, so that there are never more than two of that length. The agent only ever appends.
bound_agent_log() {
  [ -n "$(find "$AGENT_LOG" -size +"${AGENT_LOG_MAX_KB}k" 2>/dev/null)" ] || return 0
  cp "$AGENT_LOG" "$AGENT_LOG.1" && : >"$AGENT_LOG"
}

# Runs the agent until its own standard input ends. The signals of a terminal reach it as they reach the server; this function
# survives them, because it ends the agent when the server has ended, however that came about.
companion() {
  trap '' INT TERM HUP
  bound_agent_log
  CCV_AGENT_TOKEN=$3 node agent/dist/main.js --url "ws://$1:$2" --id "$AGENT_ID" --interval "$AGENT_INTERVAL_S" --spool "$AGENT_SPOOL" \
    --ping 127.0.0.1 </dev/null >>"$AGENT_LOG" 2>&1 &
  local agent=$! code since turn
  for ((turn = 1; ; turn++)); do
    since=$SECONDS
    # Nothing ever comes. This waits two seconds; when it takes no time, the server is gone.
    IFS= read -r -t 2 _ || true
    [ "$((SECONDS - since))" -gt 0 ] || break
    if ! kill -0 "$agent" 2>/dev/null; then
      code=0
      wait "$agent" || code=$?
      # Somebody ended it on purpose, such as with Ctrl-C.
      [ "$code" -ne 0 ] || return 0
      printf 'start-backend: the agent has ended (exit code %s) and the server goes on without it; %s says why\n' "$code" "$AGENT_LOG" >&2
      return 0
    fi
    if [ "$((turn % 30))" -eq 0 ]; then bound_agent_log; fi
  done
  kill "$agent" 2>/dev/null || true
  wait "$agent" || true
}

start_companion() {
  local port tokens
  port=$(setting PORT)
  port=${port:-8080}
  [ "$port" != 0 ] || fail "--with-agent needs to know the server's port: set PORT to another one than 0."
  tokens=$(setting AGENT_TOKENS)
  tokens=${tokens%%,*}
  say "Agent    http://$(server_host):$port/api/v1/agents/$AGENT_ID (its log: $AGENT_LOG)"
  # The server inherits the other end of this pipe and never writes to it. When the server is gone, also by SIGKILL, the pipe ends.
  exec 9> >(companion "$(server_host)" "$port" "${tokens//[[:space:]]/}")
}

with_agent=false
for argument in "$@"; do
  case $argument in
    --with-agent) with_agent=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done

cd "$(project_folder)"
check_node
install_dependencies
build
make_folders_and_settings
print_urls
if [ "$with_agent" = true ]; then start_companion; fi
# The server takes the place of this script, so that signals reach it and its exit code is ours.
exec node dist/main.js
