/* What the page has besides the graph (graph.js, which comes before this in one script): search, table, and what it is
 * about. */

/* ---- what is found ---- */

/* Returns the bytes of the frames that are found, and of what is below them once. */
function foundBytes(node) {
  if (state.found.has(node.frame)) return node.amount[BYTES];
  return node.children.reduce((sum, child) => sum + foundBytes(child), 0);
}

function highlight(found, text) {
  state.found = found;
  byId("clear").disabled = !found;
  drawGraph();
  const name = text.length > 100 ? `${text.slice(0, 100)}\u2026` : text;
  const bytes = found ? foundBytes(state.root) : 0, all = state.root.amount[BYTES];
  byId("status").textContent = !found ? ""
    : !found.size ? `${name}: nothing of the graph is called so.`
      : `${name}: ${size(bytes)} of ${size(all)} (${percent(all ? bytes / all : 0)}) in it and below.`;
}

const hasAll = (text) => state.words.every((word) => text.includes(word));

function search() {
  const text = byId("search").value.trim();
  state.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Set(alike.filter((number) => hasAll(searched[number])));
  highlight(state.words.length ? found : null, `\u201c${text}\u201d`);
  drawTable();
}

/* Returns the largest of the frames that are found; what is below one is no larger. */
function largestFound(node) {
  if (state.found.has(node.frame)) return node;
  return node.children.map(largestFound).filter(Boolean).sort((a, b) => b.amount[BYTES] - a.amount[BYTES])[0];
}

/* Leads to a frame, which is widened if it would have no name otherwise. */
function lead(node) {
  if (!node) return;
  if (!node.element || node.element.offsetWidth < LEAST_NAMED) zoom(node);
  byId("graph").scrollIntoView({ block: "nearest" });
  focusOn(node, true);
}

/* By function a row is all the lines of one. */
function pick(row) {
  const frame = frames[row.frame], fields = profile.by === "function" ? [NAME, FILE, KIND] : [NAME, FILE, LINE, KIND];
  byId("search").value = "";
  state.words = [];
  highlight(new Set(alike.filter((number) => fields.every((field) => frames[number][field] === frame[field]))), rowTitle(row));
  drawTable();
  lead(largestFound(state.root));
}

function clear() {
  byId("search").value = "";
  search();
}

/* ---- the table ---- */

const wholeShare = (row) => row.amount[BYTES] / (profile.whats[state.what].whole || 1);
const ofPython = (row) => row.frame >= 0 && frames[row.frame][KIND] !== "native";

/* A row of Python has the name of its file, whose path stands below. */
function rowTitle(row) {
  if (!ofPython(row)) return row.label;
  const frame = frames[row.frame];
  return `${profile.by === "function" ? baseName(frame[FILE]) : place(frame)} ${frame[NAME]}`;
}

const columns = {
  bytes: { head: "Bytes", value: (row) => row.amount[BYTES], text: (row) => size(row.amount[BYTES]) },
  share: { head: "Share", value: (row) => row.amount[BYTES], text: (row) => percent(wholeShare(row)) },
  error: { head: "Error", value: (row) => row.amount[ERROR] / Math.abs(row.amount[BYTES] || 1), text: (row) => error(row.amount).trim() },
  buffers: { head: "Buffers, about", value: (row) => row.amount[BUFFERS], text: (row) => count(row.amount[BUFFERS]) },
  samples: { head: "Samples", value: (row) => row.amount[SAMPLES], text: (row) => count(row.amount[SAMPLES]) },
  oldest: { head: "Oldest", live: true, value: (row) => row.oldest, text: (row) => (row.largest ? age(row.oldest) : "") },
  largest: { head: "Largest", live: true, value: (row) => row.largest, text: (row) => (row.largest ? size(row.largest) : "") },
  who: { head: "Who", value: rowTitle, text: rowTitle },
};

const shownColumns = () => Object.keys(columns).filter((name) => !columns[name].live || profile.whats[state.what].name === "live");

function whoCell(row) {
  const cell = make("td", "who");
  if (row.frame >= 0) {
    const button = make("button", "", rowTitle(row));
    button.type = "button";
    button.title = `Show in the graph: ${row.label}`;
    button.addEventListener("click", () => pick(row));
    cell.append(button);
  } else {
    cell.textContent = rowTitle(row);
  }
  if (row.remark) cell.append(` ${row.remark}`);
  if (ofPython(row)) cell.append(make("small", "", frames[row.frame][FILE]));
  for (const [name, part] of row.leaves) cell.append(make("small", "", `${part}\u00a0% in ${name}`));
  return cell;
}

function drawRow(row) {
  const line = make("tr");
  for (const name of shownColumns()) {
    const cell = name === "who" ? whoCell(row) : make("td", name, columns[name].text(row));
    if (name === "share") cell.style.setProperty("--share", Math.max(0, wholeShare(row)));
    line.append(cell);
  }
  return line;
}

function drawHeads() {
  const heads = shownColumns().map((name) => {
    const head = make("th"), button = make("button", "", columns[name].head);
    head.scope = "col";
    button.type = "button";
    if (state.sort.column === name) head.setAttribute("aria-sort", state.sort.ascending ? "ascending" : "descending");
    button.addEventListener("click", () => {
      state.sort = { column: name, ascending: state.sort.column === name ? !state.sort.ascending : name === "who" };
      drawHeads();
      drawTable();
      document.querySelector(`thead th:nth-child(${shownColumns().indexOf(name) + 1}) button`).focus();
    });
    head.append(button);
    return head;
  });
  document.querySelector("thead tr").replaceChildren(...heads);
}

function drawTable() {
  const what = profile.whats[state.what], value = columns[state.sort.column].value, sign = state.sort.ascending ? 1 : -1;
  const rows = what.rows.filter((row) => hasAll([row.label, row.remark, ...row.leaves.map((leaf) => leaf[0])].join(" ").toLowerCase()));
  rows.sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
  document.querySelector("tbody").replaceChildren(...rows.slice(0, state.rows).map(drawRow));
  byId("more").hidden = rows.length <= state.rows;
  byId("more").textContent = `Show all ${count(rows.length)} rows`;
  byId("rest").textContent = profile.by === "thread" && what.name !== "live" ? "Only live buffers are told by thread."
    : !rows.length ? "There are no rows here."
      : what.rest[0] ? `Left out: ${plural(what.rest[0], "smaller row")} of ${size(what.rest[1])} together.` : "";
}

/* The button is gone then: the first row that it brought has the focus. */
function showAllRows() {
  const shown = state.rows;
  state.rows = Infinity;
  drawTable();
  document.querySelector(`tbody tr:nth-child(${shown + 1}) button`)?.focus();
}

/* ---- the page ---- */

const own = profile.processes.filter((process) => !process.minus);
const range = (numbers, text) => [...new Set([Math.min(...numbers), Math.max(...numbers)])].map(text).join(" to ");

function whatTitle(what) {
  const peak = own.length === 1 && own[0].peak ? `, at ${time(own[0].peak)}` : "";
  return { live: profile.older_than ? `Live for ${age(profile.older_than)} and longer` : "Live", total: "Allocated at all", peak: `Live when most were${peak}` }[what];
}

const processText = (process) => `${process.program || "?"}, pid ${process.pid} on ${process.host || "?"}, ${process.state}`;

function facts() {
  const some = own.slice(0, 5), chosen = profile.whats[state.what];
  return [
    ...some.flatMap((process) => [["Process", processText(process)], ...(process.command ? [["Command", process.command]] : [])]),
    ...(own.length > some.length ? [["", `and ${count(own.length - some.length)} more`]] : []),
    ...profile.processes.filter((process) => process.minus).map((process) => ["Less", `what ${process.path} had at ${time(process.time)}`]),
    ["Moment", range(own.map((process) => process.time), time)],
    ["Since", range(own.map((process) => process.start), time)],
    ["Shown", `${whatTitle(chosen.name)}: ${sizeWithError(chosen.sum)}${chosen.sum[BYTES] ? " (standard error)" : ""}, as estimated from ${plural(chosen.sum[SAMPLES], "sample")}`],
    ["Sampling", `one in ${range(own.flatMap((process) => [process.mean, process.mean_now]), size)}, on average`],
  ];
}

function show(what) {
  const chosen = profile.whats[what], title = whatTitle(chosen.name);
  state.what = what;
  state.root = buildTree(what, byId("native").checked);
  state.zoomed = state.focused = state.root;
  if (!shownColumns().includes(state.sort.column)) state.sort = { column: "bytes", ascending: false };
  document.title = `${byId("heading").textContent} \u2013 ${chosen.name}, ${range(own.map((process) => process.time), time)}`;
  listPairs(byId("facts"), facts());
  byId("graph-heading").textContent = `${title}: ${sizeWithError(chosen.sum)}`;
  byId("table-heading").textContent = `${title}, by ${profile.by}`;
  drawHeads();
  search();
}

function begin() {
  byId("notes").hidden = !profile.notes.length;
  byId("notes").append(...profile.notes.map((note) => make("li", "", note)));
  profile.whats.forEach((what, number) => {
    const label = make("label"), radio = make("input");
    Object.assign(radio, { type: "radio", name: "what", checked: number === state.what });
    radio.addEventListener("change", () => show(number));
    label.append(radio, what.name);
    byId("whats").append(label);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", search);
  byId("native").addEventListener("change", () => show(state.what));
  byId("whole").addEventListener("click", () => zoom(state.root));
  byId("clear").addEventListener("click", clear);
  byId("more").addEventListener("click", showAllRows);
  const graph = byId("graph");
  graph.addEventListener("click", (event) => { const node = nodeOf(event.target); if (node) zoom(node); });
  graph.addEventListener("pointerover", (event) => { const node = nodeOf(event.target); if (node) showDetails(node); });
  graph.addEventListener("pointerleave", () => showDetails(state.focused));
  graph.addEventListener("focusin", (event) => { const node = nodeOf(event.target); if (node) focusOn(node, false); });
  graph.addEventListener("keydown", onGraphKey);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== byId("search")) { event.preventDefault(); byId("search").focus(); }
    else if (event.key === "Escape" && document.activeElement === byId("search")) clear();
  });
  let width = 0;
  new ResizeObserver(() => { if (graph.clientWidth !== width) { width = graph.clientWidth; drawGraph(); } }).observe(graph);
  show(state.what);
}

begin();
