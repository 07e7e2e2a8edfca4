# shellcheck shell=bash
# a server under redis-benchmark's load with two BGSAVEs (forks), checked, restarted from what was saved

# Debian's redis-server is this program under another name; its own package would start a daemon.
version() {
  need redis-benchmark redis-cli redis-check-rdb
  redis-cli --version | sed 's/-cli//'
}

serve() {
  (exec -a redis-server redis-check-rdb --port 0 --unixsocket "$PWD/socket" --save '' --enable-debug-command yes \
    --logfile "$PWD/log" --dir "$PWD") &
  server=$!
  within_ten_seconds 'client ping 2>/dev/null | grep -q PONG'
}

client() {
  redis-cli -s socket "$@"
}

# within_ten_seconds CONDITION: until it is true; else the end.
within_ten_seconds() {
  for _ in {1..100}; do
    eval "$1" && return
    sleep 0.1
  done
  echo "never true: $1"
  cat log
  exit 1
}

save() {
  client bgsave
  within_ten_seconds 'client info persistence | grep -q rdb_bgsave_in_progress:0'
  client info persistence | grep -o rdb_last_bgsave_status:ok
}

run() {
  serve
  trap 'kill "$server" 2>/dev/null || :' EXIT
  for ((i = 0; i < 30000; i++)); do
    echo "set key:$i value-$((i * 7919))"
    echo "hset hash:$((i % 100)) field:$i $i"
    echo "zadd sorted $((i * 31 % 997)) member:$i"
  done | client --pipe | grep -o 'errors: 0'
  redis-benchmark -s socket -q -t incr,lpush,rpop -n 30000 -c 20 -P 4 >benchmark.txt &
  load=$!
  save
  wait "$load"
  client get counter:__rand_int__
  client llen mylist
  save
  redis-check-rdb dump.rdb | grep -o 'RDB looks OK'
  client debug digest
  client shutdown nosave
  wait "$server"
  serve
  client debug digest
  client dbsize
  client shutdown nosave
  wait "$server"
}
