// The lineage graph. elk lays it out in a worker, d3-zoom pans and zooms, arrow keys walk along the edges.
// The data is {"nodes": [{id, kind, title, subtitle, href, level, colour, badge, focus}], "edges": [{source, target, title}]}.
import ELK from "elkjs/lib/elk-api.js";
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { announce } from "../announce.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 208;
const HEIGHT = { dataset: 64, job: 46, hidden: 46 };
const ICONS = { dataset: "table", job: "route", hidden: "eye-off" };
const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.spacing.nodeNode": "22",
  "elk.layered.spacing.nodeNodeBetweenLayers": "52",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.edgeRouting": "SPLINES",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
};

// On a telephone a line of boxes runs down the page, where there is room for it.
const NARROW = 560;

let elk;
function layout(graph) {
  elk ??= new ELK({ workerFactory: () => new Worker(new URL(LAYOUT_WORKER, import.meta.url)) });
  return elk.layout(graph);
}

function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/** Shortens the text in the middle, where dataset names differ least, until it fits. */
function fit(element, width) {
  const whole = element.textContent;
  if (element.getComputedTextLength() <= width) return;
  let keep = whole.length - 1;
  while (keep > 4 && element.getComputedTextLength() > width) {
    keep -= 1;
    const head = Math.ceil(keep * 0.45);
    element.textContent = `${whole.slice(0, head)}…${whole.slice(whole.length - (keep - head))}`;
  }
}

function edgePath(section) {
  const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
  const at = (point) => `${point.x},${point.y}`;
  if (points.length >= 4 && (points.length - 1) % 3 === 0) {
    let path = `M${at(points[0])}`;
    for (let i = 1; i < points.length; i += 3) path += `C${at(points[i])} ${at(points[i + 1])} ${at(points[i + 2])}`;
    return path;
  }
  return `M${points.map(at).join("L")}`;
}

export async function attach(host) {
  const stage = host.querySelector(".dc-graph-stage");
  const svg = host.querySelector("svg.dc-graph-canvas");
  const part = (name) => host.querySelector(`[data-part="${name}"]`);
  let data;
  try {
    if (host.dataset.url) {
      const answer = await fetch(host.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      data = await answer.json();
    } else data = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
    if (!data.nodes.length) {
      part("state").textContent = "Nothing is known to flow into or out of this yet.";
      host.dataset.drawn = "";
      return;
    }
    const down = stage.clientWidth < NARROW;
    const placed = await layout({
      id: "root",
      layoutOptions: { ...OPTIONS, "elk.direction": down ? "DOWN" : "RIGHT" },
      children: data.nodes.map((node) => ({ id: node.id, width: WIDTH, height: HEIGHT[node.kind] ?? 46 })),
      edges: data.edges.map((edge, index) => ({ id: `edge-${index}`, sources: [edge.source], targets: [edge.target] })),
    });
    part("state").remove();
    render(host, stage, svg, part, data, placed, down);
  } catch (error) {
    part("state").textContent = "The graph could not be drawn. Use the table below.";
    host.querySelector("details").open = true;
    host.dataset.drawn = "";
    console.error(error);
  }
}

function render(host, stage, svg, part, data, placed, down) {
  const [flow, across] = down ? ["y", "x"] : ["x", "y"];
  const sprite = host.dataset.sprite;
  const places = new Map(placed.children.map((child) => [child.id, child]));
  const marker = `${host.id}-arrow`;
  const defs = draw("defs", {}, svg);
  const head = draw("marker", { id: marker, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, defs);
  draw("path", { d: "M0 0.5 8 4 0 7.5z", class: "dc-graph-arrow" }, head);
  const world = draw("g", {}, svg);
  const edgeLayer = draw("g", { "aria-hidden": "true" }, world);
  const edges = placed.edges.map((edge, index) => {
    const path = draw("path", { class: "dc-graph-edge", d: edge.sections.map(edgePath).join(""), "marker-end": `url(#${marker})` }, edgeLayer);
    if (data.edges[index].title) draw("title", {}, path, data.edges[index].title);
    return { ...data.edges[index], path };
  });

  const elements = new Map();
  // Reading order: with the edges, then across them; Tab reaches one box, arrows the others.
  const ordered = [...data.nodes].sort((a, b) => places.get(a.id)[flow] - places.get(b.id)[flow] || places.get(a.id)[across] - places.get(b.id)[across]);
  for (const node of ordered) {
    const place = places.get(node.id);
    const hidden = node.kind === "hidden";
    const group = draw(node.href ? "a" : "g", { class: `dc-graph-node is-${node.kind}${node.focus ? " is-focus" : ""}`, transform: `translate(${place.x} ${place.y})`, tabindex: -1 }, world);
    if (node.href) group.setAttribute("href", node.href);
    else group.setAttribute("role", "img");
    // The whole name, which the box may have to shorten, is the accessible name and the tooltip.
    draw("title", {}, group, [hidden ? "Hidden dataset" : node.title, hidden ? "" : node.subtitle, node.level || node.badge].filter(Boolean).join(", "));
    const round = node.kind === "job" ? place.height / 2 : 9;
    draw("rect", { class: "dc-ring", x: -4, y: -4, width: place.width + 8, height: place.height + 8, rx: round + 4 }, group);
    draw("rect", { class: "dc-box", width: place.width, height: place.height, rx: round }, group);
    const left = node.kind === "job" ? 18 : 13;
    draw("use", { href: `${sprite}#${ICONS[node.kind]}`, x: left, y: node.kind === "dataset" ? 13 : place.height / 2 - 9, width: 18, height: 18 }, group);
    const textX = left + 27;
    const room = place.width - textX - 14;
    const title = hidden ? "Hidden dataset" : node.title;
    const twoLines = !hidden && node.subtitle;
    const middle = node.kind === "dataset" ? 22 : place.height / 2;
    const titleText = draw("text", { class: "dc-title", x: textX, y: node.kind === "dataset" ? 26 : twoLines ? middle - 3 : middle + 4.5 }, group, title);
    fit(titleText, room);
    const mark = node.level || node.badge;
    let subtitleRoom = room;
    if (mark) {
      const badge = draw("g", { class: node.level ? `tone-${node.colour || "grey"}` : "tone-grey" }, group);
      const box = draw("rect", { class: "dc-badge-box", height: 18, rx: 4 }, badge);
      const text = draw("text", { class: "dc-badge-text" }, badge, mark);
      const width = Math.min(text.getComputedTextLength() + 12, 96);
      // On the line of the subtitle, clear of the round end of a job.
      const x = place.width - width - (node.kind === "job" ? 20 : 10);
      const y = node.kind === "dataset" ? 38 : place.height / 2 + 1;
      box.setAttribute("x", x);
      box.setAttribute("y", y);
      box.setAttribute("width", width);
      text.setAttribute("x", x + 6);
      text.setAttribute("y", y + 13);
      subtitleRoom = x - textX - 6;
    }
    if (twoLines) fit(draw("text", { class: "dc-subtitle", x: textX, y: node.kind === "dataset" ? 50 : middle + 13 }, group, node.subtitle), subtitleRoom);
    const kinds = { dataset: "Dataset", job: "Job", hidden: "You may not see it" };
    const inward = edges.filter((edge) => edge.target === node.id).length;
    const outward = edges.filter((edge) => edge.source === node.id).length;
    group.setAttribute("aria-description", [kinds[node.kind], node.focus ? "this one" : "", `${inward} in, ${outward} out`].filter(Boolean).join(", "));
    elements.set(node.id, group);
    group.addEventListener("focus", () => {
      light(node.id);
      reveal(node.id);
    });
    group.addEventListener("blur", () => light(null));
    group.addEventListener("mouseenter", () => light(node.id));
    group.addEventListener("mouseleave", () => light(null));
    group.addEventListener("keydown", (event) => walk(event, node));
  }

  function light(id) {
    for (const edge of edges) edge.path.classList.toggle("is-lit", id !== null && (edge.source === id || edge.target === id));
  }

  const start = data.nodes.find((node) => node.focus) ?? ordered[0];
  elements.get(start.id).setAttribute("tabindex", "0");

  const centre = (id) => ({ x: places.get(id).x + places.get(id).width / 2, y: places.get(id).y + places.get(id).height / 2 });

  function nearest(from, ids) {
    const here = centre(from);
    return [...ids].sort((a, b) => Math.abs(centre(a)[across] - here[across]) - Math.abs(centre(b)[across] - here[across]))[0];
  }

  /** Left and right follow an edge; up and down go to the next box of the same layer, or the nearest one beyond. Where
   *  edges run down, it is the other way round. */
  const ahead = down ? "ArrowDown" : "ArrowRight";
  const back = down ? "ArrowUp" : "ArrowLeft";
  const beside = down ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  function walk(event, node) {
    let next;
    if (event.key === ahead) next = nearest(node.id, edges.filter((edge) => edge.source === node.id).map((edge) => edge.target));
    else if (event.key === back) next = nearest(node.id, edges.filter((edge) => edge.target === node.id).map((edge) => edge.source));
    else if (beside.includes(event.key)) {
      const sign = event.key === beside[1] ? 1 : -1;
      const here = centre(node.id);
      const distance = (id) => Math.abs(centre(id)[flow] - here[flow]) * 4 + Math.abs(centre(id)[across] - here[across]);
      next = [...elements.keys()].filter((id) => (centre(id)[across] - here[across]) * sign > 1).sort((a, b) => distance(a) - distance(b))[0];
    } else if (event.key === "Home") next = ordered[0].id;
    else if (event.key === "End") next = ordered.at(-1).id;
    else return;
    event.preventDefault();
    if (next === undefined) {
      announce(event.key === back ? "Nothing further upstream" : event.key === ahead ? "Nothing further downstream" : "No more boxes this way");
      return;
    }
    elements.get(node.id).setAttribute("tabindex", "-1");
    elements.get(next).setAttribute("tabindex", "0");
    elements.get(next).focus({ preventScroll: true });
  }

  const zoomer = zoom()
    .scaleExtent([0.1, 2])
    .filter((event) => !event.button && (event.type !== "wheel" || event.ctrlKey || event.metaKey || document.activeElement?.closest(".dc-graph") === host))
    .on("zoom", (event) => world.setAttribute("transform", event.transform));
  const canvas = select(svg).call(zoomer).on("dblclick.zoom", null);

  /** Where a picture begins in a window: centred where it fits, else around `point` without empty space beside it. */
  function along(window, size, point) {
    return size <= window ? (window - size) / 2 : Math.min(0, Math.max(window - size, window / 2 - point));
  }

  function showAll() {
    const readable = 0.85;
    const fitting = Math.min(stage.clientWidth / placed.width, 1);
    // A small graph needs no tall stage; one that runs down may nearly fill the window.
    stage.style.height = `${Math.round(Math.min(Math.max(placed.height * Math.max(fitting, readable) + 48, 240), innerHeight * (down ? 0.8 : 0.62)))}px`;
    const scale = Math.min(fitting, stage.clientHeight / placed.height);
    // Too small to read helps nobody: then begin at the dataset in question.
    if (scale < 0.74) {
      const at = centre(start.id);
      const left = along(stage.clientWidth, placed.width * readable, at.x * readable);
      const top = along(stage.clientHeight, placed.height * readable, at.y * readable);
      canvas.call(zoomer.transform, zoomIdentity.translate(left, top).scale(readable));
      return;
    }
    canvas.call(zoomer.transform, zoomIdentity.translate((stage.clientWidth - placed.width * scale) / 2, (stage.clientHeight - placed.height * scale) / 2).scale(scale));
  }

  function everything() {
    const scale = Math.min(stage.clientWidth / placed.width, stage.clientHeight / placed.height, 1);
    canvas.call(zoomer.transform, zoomIdentity.translate((stage.clientWidth - placed.width * scale) / 2, (stage.clientHeight - placed.height * scale) / 2).scale(scale));
  }

  function reveal(id) {
    const box = elements.get(id).getBoundingClientRect();
    const frame = stage.getBoundingClientRect();
    const dx = box.left < frame.left + 16 ? frame.left + 16 - box.left : box.right > frame.right - 16 ? frame.right - 16 - box.right : 0;
    const dy = box.top < frame.top + 16 ? frame.top + 16 - box.top : box.bottom > frame.bottom - 16 ? frame.bottom - 16 - box.bottom : 0;
    if (dx || dy) {
      const present = svg.__zoom;
      canvas.call(zoomer.translateBy, dx / present.k, dy / present.k);
    }
  }

  part("in").addEventListener("click", () => canvas.call(zoomer.scaleBy, 1.3));
  part("out").addEventListener("click", () => canvas.call(zoomer.scaleBy, 1 / 1.3));
  part("fit").addEventListener("click", everything);
  showAll();
  host.dataset.drawn = "";
}
