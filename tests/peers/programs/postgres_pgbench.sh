# shellcheck shell=bash
# a cluster made and served by an unprivileged user, pgbench -i, 5 s of pgbench, sums checked, tables dumped

programs() {
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [ -x "$bin/initdb" ] && PATH=$bin:$PATH
  need initdb pg_ctl psql pgbench pg_dump
}

# The server refuses to run as root.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
  else
    "$@"
  fi
}

version() {
  programs
  as_user test -r "$SOURCE/README.md" || {
    echo "$SOURCE is not readable for an unprivileged user"
    exit 1
  }
  postgres --version | cut -d ' ' -f 1-3
}

query() {
  as_user psql -X -A -t -U postgres -h "$home" -c "$1" postgres
}

run() {
  programs
  home=$(mktemp -d)
  trap 'as_user pg_ctl -D "$home/data" -s -m immediate stop 2>/dev/null || :; rm -rf "$home"' EXIT
  [ "$(id -u)" != 0 ] || chown 65534:65534 "$home"
  cd "$home" || return
  as_user initdb -U postgres -A trust --no-sync -D data >/dev/null
  as_user pg_ctl -D data -s -w -l "$home/log" -o "-c listen_addresses='' -c unix_socket_directories='$home' \
    -c max_parallel_workers_per_gather=2 -c max_wal_size=256MB" start
  as_user pgbench -U postgres -h "$home" -i -q -s 3 postgres >/dev/null 2>&1
  # Where pg_dump's order or the clock would show, the sums have to be right instead.
  query "SELECT count(*), sum(hashint4(aid)::bigint), sum(abalance) FROM pgbench_accounts"
  as_user pgbench -U postgres -h "$home" -c 4 -j 2 -T 5 postgres >"$home/bench" 2>&1
  grep -o 'number of failed transactions: 0' "$home/bench"
  query "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
    (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(tbalance) FROM pgbench_tellers),
    (SELECT count(*) > 0 FROM pgbench_history)"
  query "CREATE INDEX ON pgbench_accounts(abalance)"
  query "VACUUM FULL pgbench_accounts"
  query "SELECT count(*), count(DISTINCT aid), md5(string_agg(bid::text, ',' ORDER BY aid)) FROM pgbench_accounts"
  # pg_dump guards its script by a random word, on the lines that begin with a backslash.
  as_user pg_dump -U postgres -h "$home" -s -t 'pgbench*' postgres | grep -v '^[\]' | md5sum
  as_user pg_ctl -D data -s -w -m fast stop
  grep -c 'database system is shut down' log
  grep -E 'PANIC|FATAL|crash|terminated by signal' log || :
}
