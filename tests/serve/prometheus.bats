#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # other shells and Python expand these; bats or the helpers set these
# What `arrowpool serve` publishes, in a real Prometheus; the alert rules and the dashboard of docs/use/metrics.
load ../shim/helper
load ../cli/helper
load helper

METRICS=$SOURCE/docs/use/metrics

teardown() {
  touch end
  end_serve
  [ ! -v prometheus ] || kill "$prometheus"
}

# start_prometheus: it scrapes the server, and answers at $PROMETHEUS.
start_prometheus() {
  need_program prometheus prometheus
  cat >prometheus.yml <<END
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['$METRICS/alerts.yml']
scrape_configs:
  - job_name: arrowpool
    static_configs: [{targets: ['${URL#http://}']}]
END
  prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:0 2>prometheus.err 3>&- &
  prometheus=$!
  eventually grep -q '"Listening on" address=127' prometheus.err
  PROMETHEUS=http://$(sed -n 's/.*"Listening on" address=\([0-9.:]*\).*/\1/p' prometheus.err)
}

query() { "$PYTHON" -I "$BATS_TEST_DIRNAME/query.py" "$PROMETHEUS" "$@"; }
# query_is EXPRESSION RESULT: at last; a scrape that took too long has none.
query_is() { eventually query_said "$@"; }
query_said() { [ "$(query "$1")" = "$2" ]; }

# start_holders COUNT: pyarrow processes; $held is what they say that they hold.
start_holders() {
  need_pyarrow
  mkdir held
  shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" "$PYTHON" "$BATS_TEST_DIRNAME/holders.py" "$1" held ready end 3>&- &
  holders=$!
  eventually test -e ready
  held=$(awk '{ sum += $1 } END { print sum }' held/*)
  first=$(find held -type f -printf '%f\n' | sort | head -n 1)
}

@test "the sum over all processes is what pyarrow's pools say that they hold" {
  need_program prometheus prometheus
  start_holders 4
  start_serve
  start_prometheus
  query_is 'count(arrowpool_bytes_allocated{pool="arrow.mimalloc"})' 4.0
  query_is 'sum(arrowpool_bytes_allocated{pool="arrow.mimalloc"})' "$held.0"
  query_is "arrowpool_bytes_allocated{pool=\"arrow.mimalloc\",pid=\"$first\"}" "$(cat "held/$first").0"
  # All pools of the page, with what the processes asked libc for besides.
  query_is 'sum(arrowpool_bytes_allocated)' "$(page_says 'value("arrowpool_bytes_allocated")').0"
  query_is 'up' 1.0
  query_is 'arrowpool_processes{state="gone"}' 0.0
  # One is killed: it is in no sum any more.
  kill -KILL "$first"
  query_is 'arrowpool_processes{state="gone"}' 1.0
  query_is 'sum(arrowpool_bytes_allocated{pool="arrow.mimalloc"})' "$((held - $(cat "held/$first"))).0"
  touch end
  wait "$holders"
  stop_serve
}

@test "the rate of a group's counter is right while processes come and go" {
  REFRESH=200ms start_serve --by=pool
  start_prometheus
  short_lived() { shim ARROW_POOL=jemalloc ARROW_POOL_LIVE="$LIVE" ARROW_POOL_LIVE_KEEP=1 "$PROBES/probe_exit" return 3>&- || [ $? = 5 ]; }
  short_lived
  query_is 'arrowpool_allocations_total{pool="libc"}' 5.0
  for _ in {1..10}; do short_lived; done
  query_is 'arrowpool_allocations_total{pool="libc"}' 55.0
  query_is 'resets(arrowpool_allocations_total[5m])' 0.0
  query_is 'max_over_time(arrowpool_allocated_bytes_total[5m]) - min_over_time(arrowpool_allocated_bytes_total[5m])' 13111110.0
  stop_serve
}

@test "each expression of the dashboard has an answer" {
  need_program prometheus prometheus
  start_probe one 'allocate a 1000' 'resize a 2000'
  start_serve
  start_prometheus
  query_is 'count_over_time(arrowpool_bytes_allocated[1m]) >= bool 5' 1.0
  run -0 query --dashboard "$METRICS/grafana.json"
  assert_line --index 0 --regexp '^[12][0-9]$'
  # There is no limit here.
  assert_equal "${#lines[@]}" 3
  assert_line --index 1 --partial arrowpool_limit_bytes
  assert_line --index 2 --partial arrowpool_limit_bytes
  # Prometheus has the rules, and evaluates them without an error.
  run -0 "$PYTHON" -I -c '
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
[group] = json.load(opener.open(sys.argv[1] + "/api/v1/rules", timeout=30))["data"]["groups"]
print(len(group["rules"]), {rule["lastError"] if "lastError" in rule else "" for rule in group["rules"]})' "$PROMETHEUS"
  assert_output "9 {''}"
  stop_serve
}

@test "promtool has nothing to say about a page" {
  need_promtool
  start_probe one 'allocate a 1000' 'resize a 2000'
  for by in "" --by=pool --by=name,host,program,pool --by=program; do
    # shellcheck disable=SC2086 # no option, or one
    start_serve $by
    page >page.prom
    assert [ "$(wc -l <page.prom)" -gt 60 ]
    run -0 promtool check metrics <page.prom
    assert_output ""
    stop_serve
  done
  run ! promtool check metrics < <(sed '/^# HELP/d' page.prom)
}

@test "each alert is raised when it should be, and not before" {
  need_promtool
  run -0 promtool check rules "$METRICS/alerts.yml"
  sed "s,RULES,$METRICS/alerts.yml," "$BATS_TEST_DIRNAME/alerts_test.yml" >alerts_test.yml
  run -0 promtool test rules alerts_test.yml
  while read -r alert; do
    grep -q "$alert" alerts_test.yml || fail "$alert"
  done < <(sed -n 's/.*- alert: //p' "$METRICS/alerts.yml")
  # What it would say of a rule that is wrong.
  sed 's/> 104857600/> 904857600/' "$METRICS/alerts.yml" >wrong.yml
  sed -i "s,$METRICS/alerts.yml,wrong.yml," alerts_test.yml
  run ! promtool test rules alerts_test.yml
}

@test "the dashboard is one that Grafana imports" {
  run -0 "$PYTHON" -I "$BATS_TEST_DIRNAME/dashboard.py" "$METRICS/grafana.json" "$SOURCE/docs/use/statistics.md" "$SOURCE/docs/use/metrics.md"
}
