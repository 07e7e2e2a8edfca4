# shellcheck shell=bash
# 100,000 rows, two indexes, updates, deletions, integrity_check, vacuum, dump

version() {
  need sqlite3
  echo "sqlite3 $(sqlite3 --version | cut -d ' ' -f 1)"
}

run() {
  sqlite3 table.db <<'END'
CREATE TABLE rows(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 100000)
INSERT INTO rows SELECT i, printf('%08x', i * 2654435761 % 4294967296), i * 7919 % 100003 / 1000.0 FROM numbers;
CREATE INDEX by_name ON rows(name);
CREATE INDEX by_value ON rows(value);
UPDATE rows SET value = -value WHERE name < '4';
DELETE FROM rows WHERE id % 7 = 0;
SELECT count(*), sum(value), min(name), max(name) FROM rows;
SELECT substr(name, 1, 1) AS first, count(*), avg(value) FROM rows GROUP BY first ORDER BY first;
PRAGMA integrity_check;
VACUUM;
PRAGMA integrity_check;
END
  sqlite3 table.db .dump | md5sum
}
