// One dataset as SVG: its head, what it shows of its neighbours, and its columns. Every part that acts is a button.
import { FOOT, ROW, WIDTH } from "./model.js";
import { fit } from "./shapes.js";

const SVG = "http://www.w3.org/2000/svg";
export const SANS = 'Inter, system-ui, sans-serif';

export function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/** The group of a node at its place. `icons` is {sprite, kinds}; every button carries its act in `data-act`. */
export function drawNode(node, icons) {
  const classes = ["dc-node", node.isFocus && "is-focus", node.hidden && "is-hidden", node.onPath && "on-path", node.is_gone && "is-gone"];
  const group = draw("g", { class: classes.filter(Boolean).join(" "), transform: `translate(${node.x} ${node.y})`, "data-key": node.key });
  draw("rect", { class: "dc-node-box", width: WIDTH, height: node.height, rx: 9 }, group);
  head(node, icons, group);
  side(node, "up", group);
  if (node.reads) columnsButton(node, icons, group);
  side(node, "down", group);
  for (const [at, row] of node.rows.entries()) columnRow(node, row, node.head + FOOT + at * ROW, group);
  if (node.page) pager(node, node.head + FOOT + node.rows.length * ROW, group);
  return group;
}

function button(act, label, group, attributes = {}) {
  return draw("g", { role: "button", tabindex: -1, "data-act": act, "aria-label": label, ...attributes }, group);
}

/** What a screen reader says of a node beside its name. */
function described(node) {
  const parts = [
    node.isFocus && "this one",
    node.kind,
    node.level?.name,
    node.is_gone && "gone",
    `${node.up.shown} of ${node.up.total} upstream shown, ${node.down.shown} of ${node.down.total} downstream`,
    node.criticality !== null && `${node.criticality} depend on it`,
  ];
  return parts.filter(Boolean).join(", ");
}

const nameOf = (node) => (node.hidden ? "Hidden dataset" : node.title);

function head(node, icons, group) {
  // The button is clear and lies over what is drawn, which may be shortened: its name says everything.
  draw("title", {}, group, node.hidden ? "Hidden dataset: you may not see it" : `${node.title}\n${node.place}`);
  const looks = draw("g", { class: "dc-node-looks", "aria-hidden": "true" }, group);
  const label = node.hidden ? "Hidden dataset, you may not see it" : `${node.title}, ${node.place}`;
  const main = button("open", label, group, { class: "dc-node-main", "aria-description": described(node) });
  draw("rect", { class: "dc-node-ring", x: -4, y: -4, width: WIDTH + 8, height: node.height + 8, rx: 13 }, main);
  draw("rect", { class: "dc-node-head", width: WIDTH, height: node.head, rx: 9 }, main);
  const icon = node.hidden ? "eye-off" : (icons.kinds[node.kind] ?? "table");
  draw("use", { href: `${icons.sprite}#${icon}`, x: 12, y: node.hidden ? 11 : 12, width: 18, height: 18 }, looks);
  const mark = node.is_gone ? "gone" : (node.level?.name ?? "");
  const markRoom = mark ? 78 : 0;
  draw("text", { class: "dc-title", x: 38, y: 25 }, looks, fit(nameOf(node), `600 13px ${SANS}`, WIDTH - 50));
  if (node.hidden) return;
  draw("text", { class: "dc-subtitle", x: 38, y: 45 }, looks, fit(node.place, `400 11.5px ${SANS}`, WIDTH - 50 - markRoom));
  if (!mark) return;
  const badge = draw("g", { class: `dc-node-badge tone-${node.level && !node.is_gone ? node.level.colour : "grey"}` }, looks);
  draw("rect", { x: WIDTH - 84, y: 32, width: 76, height: 18, rx: 4 }, badge);
  draw("text", { x: WIDTH - 46, y: 45, "text-anchor": "middle" }, badge, fit(mark, `600 11px ${SANS}`, 68));
}

/** "3 of 12" at one end, which shows the next page; and beside it a button that folds what it shows. */
function side(node, way, group) {
  const { shown, total, pages } = node[way];
  const y = node.head + 1;
  const left = way === "up";
  const text = `${shown} of ${total}`;
  const stream = left ? "upstream" : "downstream";
  const x = left ? 6 : WIDTH - 72;
  if (!total) {
    draw("text", { class: "dc-node-count", x: x + 33, y: y + 16, "text-anchor": "middle", "aria-hidden": "true" }, group, left ? "no input" : "no output");
    return;
  }
  if (shown < total) {
    const more = button(`more-${way}`, `Show more ${stream} of ${nameOf(node)}, ${text} shown`, group, { class: "dc-node-button" });
    draw("rect", { x, y, width: 66, height: 24, rx: 6 }, more);
    draw("text", { x: x + 33, y: y + 16, "text-anchor": "middle" }, more, left ? `‹ ${text}` : `${text} ›`);
  } else draw("text", { class: "dc-node-count", x: x + 33, y: y + 16, "text-anchor": "middle", "aria-hidden": "true" }, group, text);
  if (!pages || !shown) return;
  const at = left ? 74 : WIDTH - 98;
  const fewer = button(`fewer-${way}`, `Fold what is ${stream} of ${nameOf(node)}`, group, { class: "dc-node-button" });
  draw("rect", { x: at, y, width: 24, height: 24, rx: 6 }, fewer);
  draw("text", { x: at + 12, y: y + 16, "text-anchor": "middle" }, fewer, "−");
}

function columnsButton(node, icons, group) {
  const all = button("columns", `${node.isOpen ? "Close" : "Show"} the columns of ${node.title}`, group, { class: "dc-node-button", "aria-expanded": String(node.isOpen) });
  draw("rect", { x: WIDTH / 2 - 16, y: node.head + 1, width: 32, height: 24, rx: 6 }, all);
  draw("use", { href: `${icons.sprite}#columns-3`, x: WIDTH / 2 - 8, y: node.head + 5, width: 16, height: 16 }, all);
}

function columnRow(node, row, y, group) {
  const hidden = row.name === "";
  const label = hidden ? `Columns of ${nameOf(node)} that you may not see` : `Lineage of the column ${row.name} of ${node.title}`;
  const attributes = { class: `dc-node-column${row.traced ? " is-traced" : ""}`, "data-column": row.name, "aria-pressed": String(Boolean(row.traced)) };
  const line = hidden ? draw("g", { class: "dc-node-column is-closed" }, group) : button("column", label, group, attributes);
  draw("rect", { x: 1, y, width: WIDTH - 2, height: ROW }, line);
  if (row.has_up) draw("circle", { cx: 9, cy: y + ROW / 2, r: 3 }, line);
  if (row.has_down) draw("circle", { cx: WIDTH - 9, cy: y + ROW / 2, r: 3 }, line);
  const type = row.type ? fit(row.type, `400 11px ${SANS}`, 70) : "";
  draw("text", { x: 18, y: y + 16 }, line, hidden ? "hidden columns" : fit(row.name, `500 12px ${SANS}`, WIDTH - (type ? 110 : 36)));
  if (type) draw("text", { class: "dc-node-type", x: WIDTH - 18, y: y + 16, "text-anchor": "end" }, line, type);
}

function pager(node, y, group) {
  const { page, pages, total } = node.page;
  draw("text", { class: "dc-node-count", x: WIDTH / 2, y: y + 16, "text-anchor": "middle" }, group, `${page} of ${pages}, ${total} columns`);
  for (const [act, label, x, possible] of [["page-back", "Columns before", 6, page > 1], ["page-next", "Columns after", WIDTH - 34, page < pages]]) {
    if (!possible) continue;
    const one = button(act, `${label} of ${node.title}`, group, { class: "dc-node-button" });
    draw("rect", { x, y, width: 28, height: 24, rx: 6 }, one);
    draw("text", { x: x + 14, y: y + 16, "text-anchor": "middle" }, one, act === "page-back" ? "‹" : "›");
  }
}
