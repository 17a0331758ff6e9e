// The picture: only what is in view is drawn; from far away datasets are boxes without words, in a handful of paths.
import { WIDTH } from "./model.js";
import { SANS, draw, drawNode } from "./nodes.js";
import { boundsOf, curve, flowCurve, pointsOf, pointsOfFlow, widthOf } from "./shapes.js";

const FAR = 0.42;
// So much of a window is drawn beside what is in view, so that most frames of a pan move what is there.
const MARGIN = 0.4;
const RESCALED = 1.4;

export class Drawing {
  /** `icons` is {sprite, kinds}; `id` makes the arrow's name unique in the page. */
  constructor(svg, icons, id) {
    this.svg = svg;
    this.icons = icons;
    const defs = draw("defs", {}, svg);
    this.arrows = {};
    for (const name of ["plain", "lit"]) {
      const marker = draw("marker", { id: `${id}-arrow-${name}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse" }, defs);
      draw("path", { d: "M0 0.5 8 4 0 7.5z", class: `dc-arrow is-${name}` }, marker);
      this.arrows[name] = `url(#${marker.id})`;
    }
    this.world = draw("g", {}, svg);
    this.farLayer = draw("g", { class: "dc-far", "aria-hidden": "true" }, this.world);
    this.lineLayer = draw("g", { "aria-hidden": "true" }, this.world);
    this.nodeLayer = draw("g", {}, this.world);
    this.flowLayer = draw("g", { "aria-hidden": "true" }, this.world);
    this.nodes = new Map();
    this.lines = new Map();
    this.lit = null;
    this.current = null;
  }

  /** Draw another scene, whose nodes have their places; nothing appears before `look`. */
  show(scene, { down }) {
    this.scene = scene;
    this.down = down;
    const active = this.svg.contains(document.activeElement) ? document.activeElement.closest("[data-key]")?.dataset.key : null;
    const act = active ? document.activeElement.dataset : null;
    for (const layer of [this.farLayer, this.lineLayer, this.nodeLayer, this.flowLayer]) layer.replaceChildren();
    this.nodes.clear();
    this.lines.clear();
    this.svg.classList.toggle("has-trace", Boolean(scene.trace));
    this.svg.classList.toggle("has-paths", scene.hasPaths);
    this.shapes = scene.lines.map((line, number) => this.shaped({ kind: "line", key: `line-${number}`, ...line }));
    this.shapes.push(...scene.flows.map((flow, number) => this.shaped({ kind: "flow", key: `flow-${number}`, ...flow })));
    this.drawFar();
    this.isFar = undefined;
    this.covered = null;
    if (this.view) this.look(this.view);
    if (active && this.nodes.has(active)) this.again(active, act);
  }

  /** Focus stays on the part of a node that acted, or goes to its head. */
  again(key, { act, column }) {
    const group = this.nodes.get(key);
    const same = [...group.querySelectorAll("[data-act]")].find((part) => part.dataset.act === act && part.dataset.column === column);
    (same ?? group.querySelector(".dc-node-main")).focus({ preventScroll: true });
  }

  shaped(shape) {
    const [source, target] = [this.scene.nodes.get(shape.source), this.scene.nodes.get(shape.target)];
    const isLine = shape.kind === "line";
    const points = isLine ? pointsOf(shape, source, target, this.down) : pointsOfFlow(shape, source, target, this.down);
    const path = isLine ? curve(points, this.down) : flowCurve(points, this.down);
    return { ...shape, points, path, bounds: boundsOf(points) };
  }

  drawFar() {
    const boxes = { plain: "", focus: "", hidden: "" };
    for (const node of this.scene.nodes.values()) {
      boxes[node.isFocus ? "focus" : node.hidden ? "hidden" : "plain"] += `M${Math.round(node.x)},${Math.round(node.y)}h${WIDTH}v${node.height}h${-WIDTH}z`;
    }
    const straight = (shapes) =>
      shapes.map(({ points }) => `M${Math.round(points[0].x)},${Math.round(points[0].y)}L${points.slice(1).map((point) => `${Math.round(point.x)},${Math.round(point.y)}`).join(" ")}`).join("");
    draw("path", { class: "dc-far-lines", d: straight(this.shapes.filter((shape) => shape.kind === "line")) }, this.farLayer);
    draw("path", { class: "dc-far-lit", d: straight(this.shapes.filter((shape) => shape.kind === "flow" || shape.onPath)) }, this.farLayer);
    for (const [name, d] of Object.entries(boxes)) draw("path", { class: `dc-far-box is-${name}`, d }, this.farLayer);
  }

  /** Follow the view: `x`, `y` and `k` of the zoom, `width` and `height` of the window on it. */
  look(view) {
    this.view = view;
    this.world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    if (!this.scene) return;
    const isFar = view.k < FAR;
    const seen = windowOf(view, 0);
    if (isFar === this.isFar && this.isCovered(seen, view.k)) return;
    if (isFar !== this.isFar) {
      this.isFar = isFar;
      this.farLayer.setAttribute("visibility", isFar ? "visible" : "hidden");
    }
    this.covered = { ...windowOf(view, MARGIN), k: view.k };
    this.keep(this.nodes, this.nodesIn(this.covered), (node) => this.addNode(node));
    this.keep(this.lines, isFar ? new Map() : this.linesIn(this.covered), (shape) => this.addLine(shape));
  }

  /** Whether all that is in view is drawn already, and not much more than that. */
  isCovered(seen, k) {
    const drawn = this.covered;
    if (!drawn || (!this.isFar && Math.max(k / drawn.k, drawn.k / k) > RESCALED)) return false;
    return this.isFar || (seen.left >= drawn.left && seen.right <= drawn.right && seen.top >= drawn.top && seen.bottom <= drawn.bottom);
  }

  nodesIn(seen) {
    const found = new Map();
    const held = this.nodeLayer.contains(document.activeElement) ? document.activeElement.closest("[data-key]").dataset.key : null;
    for (const [key, node] of this.scene.nodes) {
      const inView = !this.isFar && node.x < seen.right && node.x + WIDTH > seen.left && node.y < seen.bottom && node.y + node.height > seen.top;
      if (inView || key === this.current || key === held) found.set(key, node);
    }
    return found;
  }

  linesIn(seen) {
    const found = new Map();
    for (const shape of this.shapes) {
      const { bounds } = shape;
      if (bounds.left < seen.right && bounds.right > seen.left && bounds.top < seen.bottom && bounds.bottom > seen.top) found.set(shape.key, shape);
    }
    return found;
  }

  keep(drawn, wanted, add) {
    for (const [key, element] of drawn) {
      if (wanted.has(key)) continue;
      element.remove();
      drawn.delete(key);
    }
    for (const [key, thing] of wanted) if (!drawn.has(key)) drawn.set(key, add(thing));
  }

  addNode(node) {
    const group = drawNode(node, this.icons);
    this.nodeLayer.append(group);
    if (node.key === this.current) reachable(group, true);
    return group;
  }

  addLine(shape) {
    const isFlow = shape.kind === "flow";
    const classes = ["dc-line", isFlow && "is-flow", shape.whole && "is-whole", shape.onPath && "on-path", this.isLit(shape) && "is-lit"];
    const group = draw("g", { class: classes.filter(Boolean).join(" "), "data-source": shape.source, "data-target": shape.target }, isFlow ? this.flowLayer : this.lineLayer);
    const told = isFlow ? [shape.type.toLowerCase(), shape.subtype.toLowerCase(), shape.masking && "masked"].filter(Boolean).join(", ") : shape.names.join(", ");
    draw("path", { class: "dc-line-hit", d: shape.path }, group);
    draw("path", { class: "dc-line-path", d: shape.path, "marker-end": isFlow || shape.onPath ? this.arrows.lit : this.arrows.plain }, group);
    draw("title", {}, group, told);
    if (isFlow && shape.masking) this.mask(shape, group);
    return group;
  }

  /** The badge of a flow that masks, in its middle. */
  mask(shape, group) {
    const [from, to] = [shape.points[0], shape.points.at(-1)];
    const width = Math.ceil(21 + widthOf("masked", `600 10.5px ${SANS}`) + 10);
    const badge = draw("g", { class: "dc-line-mask", transform: `translate(${(from.x + to.x - width) / 2} ${(from.y + to.y) / 2 - 10})` }, group);
    draw("rect", { width, height: 20, rx: 10 }, badge);
    draw("use", { href: `${this.icons.sprite}#mask`, x: 6, y: 4, width: 12, height: 12 }, badge);
    draw("text", { x: 21, y: 14 }, badge, "masked");
  }

  isLit(shape) {
    return this.lit !== null && (shape.source === this.lit || shape.target === this.lit);
  }

  /** Show which lines lead to and from a node; null for none. */
  light(key) {
    if (key === this.lit) return;
    this.lit = key;
    for (const group of this.lineLayer.children) group.classList.toggle("is-lit", key !== null && (group.dataset.source === key || group.dataset.target === key));
  }

  /** The node that Tab reaches: it is drawn wherever it is. */
  makeCurrent(key) {
    if (this.current && this.nodes.has(this.current)) reachable(this.nodes.get(this.current), false);
    this.current = key;
    if (key === null || !this.scene?.nodes.has(key)) return;
    if (!this.nodes.has(key)) this.nodes.set(key, this.addNode(this.scene.nodes.get(key)));
    reachable(this.nodes.get(key), true);
  }

  focus(key) {
    this.makeCurrent(key);
    this.nodes.get(key)?.querySelector(".dc-node-main").focus({ preventScroll: true });
  }

  /** The node at a point of the world, as far away as it may be drawn. */
  nodeAt(x, y) {
    for (const node of this.scene.nodes.values()) {
      if (x >= node.x && x <= node.x + WIDTH && y >= node.y && y <= node.y + node.height) return node;
    }
    return null;
  }
}

/** The part of the world in view, and `margin` windows beside it. */
function windowOf({ x, y, k, width, height }, margin) {
  const [beside, above] = [width * margin, height * margin];
  return { left: (-x - beside) / k, right: (width - x + beside) / k, top: (-y - above) / k, bottom: (height - y + above) / k };
}

function reachable(group, isReachable) {
  for (const part of group.querySelectorAll("[data-act]")) part.setAttribute("tabindex", isReachable ? "0" : "-1");
}
