/* The page of `arrowpool who --format=html`: a flame graph whose frames a keyboard reaches, a table, and a search over
 * both. The data is JSON in the page, as html.c writes it; all that comes from it is set as text, never as HTML.
 *
 * A frame is [name, file, line, kind]; a stack is [frames from the outermost, live, total, peak], of which the last three
 * are amounts: [bytes, buffers, samples, standard error in bytes]. Times are in milliseconds since the epoch. */
"use strict";

const byId = (id) => document.getElementById(id);
const profile = JSON.parse(byId("profile").textContent);
const [NAME, FILE, LINE, KIND] = [0, 1, 2, 3];
const [BYTES, BUFFERS, SAMPLES, ERROR] = [0, 1, 2, 3];
/* Pixels, but for the rows. */
const ROW_HEIGHT = 21, LEAST_WIDTH = 1, LEAST_NAMED = 36, ROWS_AT_FIRST = 100;

const state = {
  what: profile.what, root: null, zoomed: null, focused: null, nodes: [], found: null, words: [],
  sort: { column: "bytes", ascending: false }, rows: ROWS_AT_FIRST,
};

/* ---- texts ---- */

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let amount = Math.abs(bytes), unit = 0;
  for (; amount >= 1023.95 && unit + 1 < units.length; unit++) amount /= 1024;
  return `${bytes < 0 ? "\u2212" : ""}${unit ? amount.toFixed(1) : Math.round(amount)}\u00a0${units[unit]}`;
}

const numberFormat = new Intl.NumberFormat("en");
const count = (number) => numberFormat.format(number);
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`.replace("-", "\u2212");
const error = (amount) => (amount[BYTES] ? ` \u00b1${Math.round((100 * amount[ERROR]) / Math.abs(amount[BYTES]))}\u00a0%` : "");
const sizeWithError = (amount) => size(amount[BYTES]) + error(amount);
const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

function age(milliseconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const seconds = Math.max(0, milliseconds / 1000);
  const [unit, length] = units.find((candidate) => seconds >= 2 * candidate[1]) ?? units[3];
  return `${Math.floor(seconds / length)}\u00a0${unit}`;
}

function place(frame) {
  return frame[LINE] > 0 ? `${baseName(frame[FILE])}:${frame[LINE]}` : baseName(frame[FILE]);
}

function title(frame) {
  return frame[KIND] === "own" || frame[KIND] === "library" ? `${frame[NAME]}  ${place(frame)}` : frame[NAME];
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/* A damaged profile can name a moment that no calendar has. */
function time(milliseconds) {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? "?" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function listPairs(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));
}

/* ---- the tree ---- */

/* Frames that read alike are one: a native function is called from many places. */
const frames = profile.frames;
const numbers = new Map();
const alike = frames.map((frame, number) => {
  const key = frame.slice(0, 4).join("\n");
  if (!numbers.has(key)) numbers.set(key, number);
  return numbers.get(key);
});
const where = (frame) => (frame[LINE] > 0 ? `${frame[FILE]}:${frame[LINE]}` : frame[FILE]);
const searched = frames.map((frame) => `${frame[NAME]} ${where(frame)}`.toLowerCase());

function makeNode(frame, parent) {
  return { frame, parent, children: new Map(), depth: parent ? parent.depth + 1 : 0, amount: [0, 0, 0, 0], element: null };
}

/* Errors of stacks are independent: their squares add up. */
function add(node, amount) {
  for (const field of [BYTES, BUFFERS, SAMPLES]) node.amount[field] += amount[field];
  node.amount[ERROR] = Math.hypot(node.amount[ERROR], amount[ERROR]);
}

function buildTree(what, native) {
  const root = makeNode(-1, null);
  for (const [path, ...amounts] of profile.stacks) {
    const amount = amounts[what];
    if (!(amount[BYTES] > 0)) continue; /* a difference may be negative: there is no such width */
    let node = root;
    add(node, amount);
    for (const number of path) {
      if (!native && frames[number][KIND] === "native") break;
      const frame = alike[number];
      if (!node.children.has(frame)) node.children.set(frame, makeNode(frame, node));
      node = node.children.get(frame);
      add(node, amount);
    }
  }
  const sort = (node) => {
    node.children = [...node.children.values()].sort((a, b) => b.amount[BYTES] - a.amount[BYTES]);
    node.children.forEach(sort);
  };
  sort(root);
  return root;
}

const nodeTitle = (node) => (node.parent ? title(frames[node.frame]) : "all");
const share = (node) => (state.root.amount[BYTES] ? node.amount[BYTES] / state.root.amount[BYTES] : 0);
const describe = (amount) => `${sizeWithError(amount)}, about ${plural(amount[BUFFERS], "buffer")}, ${plural(amount[SAMPLES], "sample")}`;

/* ---- drawing ---- */

function drawFrame(node, left, part, width, into) {
  const frame = frames[node.frame];
  const element = make("div", `frame ${frame ? frame[KIND] : "note"}`);
  const isFound = state.found && frame && state.found.has(node.frame);
  element.classList.toggle("found", Boolean(isFound));
  element.classList.toggle("above", node.depth < state.zoomed.depth);
  element.classList.toggle("odd", node.frame % 2 === 1);
  element.classList.toggle("thin", part * width < 14);
  element.style.left = `${100 * left}%`;
  element.style.width = `${100 * part}%`;
  element.style.top = `${node.depth * ROW_HEIGHT}px`;
  if (part * width >= LEAST_NAMED) element.textContent = nodeTitle(node);
  element.setAttribute("role", "treeitem");
  element.setAttribute("aria-level", node.depth + 1);
  element.setAttribute("aria-label", `${nodeTitle(node)}: ${percent(share(node))}, ${describe(node.amount)}${isFound ? ", found" : ""}`);
  element.tabIndex = -1;
  node.element = element;
  element.node = node;
  state.nodes.push(node);
  into.append(element);
}

/* Draws a node and what is below it, but nothing that is narrower than a pixel. */
function drawBelow(node, left, part, width, into) {
  if (part * width < LEAST_WIDTH) return;
  drawFrame(node, left, part, width, into);
  let at = left;
  for (const child of node.children) {
    const childPart = node.amount[BYTES] ? (part * child.amount[BYTES]) / node.amount[BYTES] : 0;
    drawBelow(child, at, childPart, width, into);
    at += childPart;
  }
}

function drawGraph() {
  const graph = byId("graph"), inside = make("div"), hadFocus = graph.contains(document.activeElement);
  for (const node of state.nodes) node.element = null;
  state.nodes = [];
  const above = [];
  for (let node = state.zoomed.parent; node; node = node.parent) above.unshift(node);
  for (const node of above) drawFrame(node, 0, 1, graph.clientWidth, inside);
  drawBelow(state.zoomed, 0, 1, graph.clientWidth, inside);
  inside.style.height = `${(1 + state.nodes.reduce((most, node) => Math.max(most, node.depth), 0)) * ROW_HEIGHT}px`;
  graph.replaceChildren(inside);
  byId("whole").disabled = state.zoomed === state.root;
  focusOn(state.focused?.element ? state.focused : state.zoomed, hadFocus);
}

/* One frame is in the order of tabs; arrow keys move that. */
function focusOn(node, now) {
  if (!node) return;
  if (state.focused?.element) state.focused.element.tabIndex = -1;
  state.focused = node;
  node.element.tabIndex = 0;
  if (now) node.element.focus();
  showDetails(node);
}

function showDetails(node) {
  const frame = frames[node.frame];
  listPairs(byId("details"), [
    ["Frame", nodeTitle(node)],
    ["Where", (frame && where(frame)) || "\u2013"],
    ["Memory", `${percent(share(node))}: ${describe(node.amount)}`],
  ]);
}

function zoom(node) {
  state.zoomed = node;
  state.focused = node;
  drawGraph();
}

/* ---- moving ---- */

const nodeOf = (element) => element.closest(".frame")?.node;

function beside(node, step) {
  const row = state.nodes.filter((other) => other.depth === node.depth);
  return row[row.indexOf(node) + step];
}

function onGraphKey(event) {
  const node = state.focused;
  const moves = {
    ArrowUp: () => node.parent,
    ArrowDown: () => (node.depth < state.zoomed.depth ? state.nodes[node.depth + 1] : node.children.find((child) => child.element)),
    ArrowLeft: () => beside(node, -1),
    ArrowRight: () => beside(node, 1),
    Home: () => state.nodes[0],
    End: () => state.nodes[state.nodes.length - 1],
  };
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (moves[event.key]) focusOn(moves[event.key](), true);
  else if (event.key === "Enter" || event.key === " ") zoom(node);
  else if (event.key === "Escape") zoom(state.root);
  else return;
  event.preventDefault();
}
