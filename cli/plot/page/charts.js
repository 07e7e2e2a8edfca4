/* What is drawn of a process: its charts for uPlot, with stacked areas. A chart has rows, from the top of the stack to its
 * bottom and then those that are lines: {label, colour, values, area}. */
"use strict";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function unitOf(bytes) {
  let unit = 0;
  while (Math.abs(bytes) >= 1024 && unit < UNITS.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return unit;
}

function size(bytes, unit = unitOf(bytes)) {
  const number = bytes / 1024 ** unit;
  const digits = unit === 0 || Number.isInteger(number) ? 0 : Math.abs(number) < 10 ? 2 : Math.abs(number) < 100 ? 1 : 0;
  return number.toFixed(digits) + " " + UNITS[unit];
}

/* Seconds since the beginning, as "12.5 s", "3:05" or "2:03:05". */
function moment(seconds, short = false) {
  if (seconds < 0 || (seconds < 100 && !short))
    return seconds.toFixed(1) + " s";
  const two = number => String(Math.floor(number)).padStart(2, "0");
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  const rest = two(seconds % 60);
  return hours ? hours + ":" + two(minutes % 60) + ":" + rest : minutes + ":" + rest;
}

const known = values => values.some(value => value !== null);
const highest = values => values.reduce((most, value) => value !== null && value > most ? value : most, 0);

/* What is resident besides live and idle bytes: the program itself, other allocators, what is not Arrow's. */
function restOf(process) {
  return process.resident.map((value, i) =>
    value === null ? null : Math.max(0, value - (process.live[i] || 0) - (process.idle[i] || 0)));
}

/* A limit far above all else would flatten it: then only the figures have it. */
function showsLimit(process) {
  return known(process.limit) && highest(process.limit) <= 3 * Math.max(highest(process.resident), highest(process.live));
}

const POOL_COLOURS = ["--live", "--idle", "--in-place", "--limit", "--moved", "--copied", "--rest"];

function chartsOf(process) {
  const area = (label, colour, values) => ({label, colour, values, area: true});
  const line = (label, colour, values, dash) => ({label, colour, values, area: false, dash});
  const memory = {title: "Memory", unit: "", rows: [
    area("the rest", "--rest", restOf(process)), area("idle", "--idle", process.idle), area("live", "--live", process.live),
    line("resident", "--resident", process.resident)]};
  if (showsLimit(process))
    memory.rows.push(line("limit", "--limit", process.limit, [6, 4]));
  const pools = {title: "Live, by pool", unit: "", rows: process.pools.map((pool, i) =>
    area(pool.name, POOL_COLOURS[i % POOL_COLOURS.length], pool.live)).reverse()};
  const growth = {title: "Reallocated, old bytes per second", unit: "/s", rows: [
    line("in place", "--in-place", process.in_place), line("pages moved", "--moved", process.remapped),
    line("copied", "--copied", process.copied)]};
  for (const chart of [memory, pools, growth])
    chart.rows = chart.rows.filter(row => known(row.values));
  growth.rows = growth.rows.filter(row => highest(row.values) > 0);
  return {memory, pools, growth};
}

/* The data of a chart: each area begins where those below it end; hidden ones take no room. */
function stacked(chart, seconds, shown) {
  const sums = new Array(seconds.length).fill(0), data = [];
  for (let i = chart.rows.length; i--;) {
    const row = chart.rows[i];
    if (!row.area) {
      data.unshift(row.values);
      continue;
    }
    data.unshift(row.values.map((value, k) => {
      if (value === null)
        return null;
      return shown[i] ? sums[k] += value : sums[k];
    }));
  }
  return [seconds, ...data];
}

function peakOf(chart) {
  const sums = [];
  let most = 0;
  for (const row of chart.rows)
    row.values.forEach((value, i) => {
      if (row.area)
        sums[i] = (sums[i] || 0) + (value || 0);
      most = Math.max(most, row.area ? sums[i] : value || 0);
    });
  return most;
}

/* Makes the chart in `place`. `follow` is called with the times that were zoomed to. */
function draw(chart, seconds, place, most, range, follow) {
  const shown = chart.rows.map(() => true), unit = unitOf(most() || 1);
  const axis = {stroke: css("--quiet"), grid: {stroke: css("--line"), width: 1}, ticks: {stroke: css("--line"), width: 1},
                font: "12px system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"};
  const series = chart.rows.map((row, i) => ({
    label: row.label, stroke: css(row.colour), width: row.area ? 1 : 2, dash: row.dash, points: {show: false},
    fill: row.area ? css(row.colour) : undefined, spanGaps: false,
    value: (self, value, at, k) => k === null || k === undefined || row.values[k] === null || row.values[k] === undefined
      ? "–" : size(row.values[k]) + chart.unit}));
  const plot = new uPlot({
    width: Math.max(place.clientWidth, 240), height: 210, series: [{label: "time", value: (self, value) => value === null || value === undefined ? "–" : moment(value)}, ...series],
    cursor: {sync: {key: "time", filters: {pub: type => type === "mousemove" || type === "mouseleave"}}, drag: {x: true, y: false, setScale: false}, points: {size: 6}},
    scales: {x: {time: false, range: () => range()}, y: {range: () => [0, (most() || 1) * 1.05]}},
    axes: [{...axis, values: (self, splits) => splits.map(split => moment(split, range()[1] >= 100))},
           {...axis, size: 78, incrs: Array.from({length: 62}, (unused, i) => 2 ** i),
            values: (self, splits) => splits.map(split => size(split, Math.max(0, unit)) + chart.unit)}],
    hooks: {
      setSeries: [(self, i, options) => {
        if (i === null || !("show" in options))
          return;
        shown[i - 1] = options.show;
        self.setData(stacked(chart, seconds, shown), false);
        self.redraw(true);
      }],
      setSelect: [self => {
        const {left, width} = self.select;
        if (width > 4)
          follow(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
        self.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
      }],
      ready: [self => self.over.addEventListener("dblclick", () => follow(null, null))],
    },
  }, stacked(chart, seconds, shown), place);
  return plot;
}
