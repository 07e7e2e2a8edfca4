/* The page: a column of charts for each process, the zoom that they share, and a table. */
"use strict";

const data = JSON.parse(document.getElementById("series").textContent);
const begin = Math.min(...data.processes.map(process => process.start));
const end = Math.max(...data.processes.map(process => process.time[process.time.length - 1]));
const whole = [0, Math.max((end - begin) / 1000, 0.001)];
const button = id => document.getElementById(id);
let range = whole, plots = [];

function named(process) {
  return (process.name ? "[" + process.name + "] " : "") + process.program + " " + process.pid;
}

/* ---- zoom ---- */

function zoom(from, to) {
  const least = whole[1] / 10000;
  if (from === null || to - from >= whole[1])
    range = whole;
  else {
    const width = Math.max(to - from, least), start = Math.min(Math.max(from, 0), whole[1] - width);
    range = [start, start + width];
  }
  for (const plot of plots)
    plot.setScale("x", {min: range[0], max: range[1]});
  for (const id of ["out", "whole"])
    button(id).disabled = range === whole;
  button("earlier").disabled = range[0] <= 0;
  button("later").disabled = range[1] >= whole[1];
  button("status").textContent = range === whole ? "" : "From " + moment(range[0]) + " to " + moment(range[1]) + ".";
}

function move(by, factor) {
  const middle = (range[0] + range[1]) / 2 + by * (range[1] - range[0]), half = (range[1] - range[0]) / 2 * factor;
  zoom(middle - half, middle + half);
}

/* ---- charts ---- */

function drawAll() {
  const place = document.getElementById("processes"), all = data.processes.map(chartsOf);
  const same = document.getElementById("same").checked;
  for (const plot of plots)
    plot.destroy();
  plots = [];
  place.replaceChildren();
  const drawn = Object.keys(all[0]).filter(kind => all.some(charts => charts[kind].rows.length > (kind === "pools" ? 1 : 0)));
  const jobs = []; /* all columns are there before the first chart asks how wide its own is */
  data.processes.forEach((process, i) => {
    const column = document.createElement("section"), heading = document.createElement("h2");
    column.className = "process";
    heading.textContent = named(process);
    const host = document.createElement("small");
    host.textContent = " on " + process.host;
    heading.append(host);
    column.append(heading);
    column.style.gridRow = "span " + (1 + 2 * drawn.length); /* charts of a kind stand on one height */
    place.append(column);
    const seconds = process.time.map(time => (time - begin) / 1000);
    for (const kind of drawn) {
      const chart = all[i][kind], title = document.createElement("h3"), div = document.createElement("div");
      title.textContent = chart.title;
      div.className = "chart";
      if (!chart.rows.length) { /* another process has some */
        div.textContent = "nothing";
        div.classList.add("hint");
        column.append(title, div);
        continue;
      }
      div.setAttribute("role", "img");
      div.setAttribute("aria-label", chart.title + " of " + named(process) + ", at most " + size(peakOf(chart)) + chart.unit);
      column.append(title, div);
      const most = () => same ? Math.max(...all.map(charts => peakOf(charts[kind]))) : peakOf(chart);
      jobs.push(() => draw(chart, seconds, div, most, () => range, zoom));
    }
  });
  plots = jobs.map(job => job());
  zoom(range === whole ? null : range[0], range[1]);
}

function fit() {
  for (const plot of plots)
    plot.setSize({width: Math.max(plot.root.parentElement.clientWidth, 240), height: 210});
}

/* ---- table ---- */

function fill() {
  const last = values => values.reduce((found, value) => value === null ? found : value, null);
  const text = value => value === null ? "?" : size(value);
  const most = values => known(values) ? size(highest(values)) : "?";
  const columns = [["process", named], ["seconds", p => ((p.time[p.time.length - 1] - p.start) / 1000).toFixed(1)],
    ["live, most", p => most(p.live)], ["live, last", p => text(last(p.live))], ["idle, last", p => text(last(p.idle))],
    ["resident, most", p => most(p.resident)], ["resident, last", p => text(last(p.resident))],
    ["limit", p => known(p.limit) ? text(last(p.limit)) : "none"]];
  const row = document.querySelector("main > section thead tr"), body = document.querySelector("main > section tbody");
  for (const [name] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    row.append(cell);
  }
  for (const process of data.processes) {
    const line = body.insertRow();
    for (const [, value] of columns)
      line.insertCell().textContent = value(process);
  }
}

button("in").addEventListener("click", () => move(0, 0.5));
button("out").addEventListener("click", () => move(0, 2));
button("earlier").addEventListener("click", () => move(-0.5, 1));
button("later").addEventListener("click", () => move(0.5, 1));
button("whole").addEventListener("click", () => zoom(null, null));
document.getElementById("same").parentElement.hidden = data.processes.length < 2;
document.getElementById("same").addEventListener("change", drawAll);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
window.addEventListener("resize", fit);
fill();
drawAll();
