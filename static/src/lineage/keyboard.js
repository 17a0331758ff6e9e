// Arrow keys walk: along lines with the flow, to the nearest box beside, and through the parts of the node that has focus.
import { announce } from "../announce.js";

const centre = (node) => ({ x: node.x + node.width / 2, y: node.y + node.height / 2 });

/** The next node for an arrow key, or null; `line` is the one that was walked along, if one was. */
export function nextNode(scene, node, key, down) {
  const [ahead, back] = down ? ["ArrowDown", "ArrowUp"] : ["ArrowRight", "ArrowLeft"];
  const [flow, across] = down ? ["y", "x"] : ["x", "y"];
  const here = centre(node);
  if (key === ahead || key === back) {
    const lines = key === ahead ? node.out : node.into;
    const ends = lines.map((line) => ({ line, node: scene.nodes.get(key === ahead ? line.target : line.source) }));
    ends.sort((a, b) => Math.abs(centre(a.node)[across] - here[across]) - Math.abs(centre(b.node)[across] - here[across]));
    return ends[0] ?? null;
  }
  const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
  const distance = (other) => Math.abs(centre(other)[flow] - here[flow]) * 4 + Math.abs(centre(other)[across] - here[across]);
  const beside = [...scene.nodes.values()].filter((other) => (centre(other)[across] - here[across]) * sign > 1);
  beside.sort((a, b) => distance(a) - distance(b));
  return beside.length ? { line: null, node: beside[0] } : null;
}

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** Binds the keys of a picture. `acts` has what they do: go, act, zoom, fit, close, line. */
export function attachKeys(svg, picture, acts) {
  let walked = null;
  svg.addEventListener("keydown", (event) => {
    const part = event.target.closest("[data-act]");
    const node = picture.scene?.nodes.get(event.target.closest("[data-key]")?.dataset.key);
    if (!node || !part || event.altKey || event.metaKey || event.ctrlKey) return;
    const { key } = event;
    const done = () => event.preventDefault();
    if (key === "Enter" || key === " ") {
      done();
      acts.act(part, node);
    } else if (ARROWS.includes(key)) {
      done();
      const step = nextWithin(part, key) ?? null;
      if (step) {
        step.focus({ preventScroll: true });
        return;
      }
      const next = nextNode(picture.scene, node, key, picture.down);
      if (!next) announce("Nothing further that way");
      else {
        walked = next.line ?? walked;
        acts.go(next.node);
        if (next.line) announce(`${next.node.hidden ? "Hidden dataset" : next.node.title}, through ${next.line.names.join(", ")}`);
      }
    } else if (key === "Home" || key === "End") {
      done();
      const ordered = [...picture.scene.nodes.values()].sort((a, b) => a.layer - b.layer || a.y - b.y || a.x - b.x);
      acts.go(key === "Home" ? ordered[0] : ordered.at(-1));
    } else if (key === "e" || key === "E") {
      done();
      acts.more(node, key === "e" ? "up" : "down");
    } else if (key === "c" || key === "C") {
      done();
      if (node.reads) acts.columns(node);
    } else if (key === "l" || key === "L") {
      done();
      if (walked) acts.line(walked.source, walked.target);
      else announce("Walk along a line first.");
    } else if (key === "+" || key === "=") {
      done();
      acts.zoom(1.25);
    } else if (key === "-") {
      done();
      acts.zoom(0.8);
    } else if (key === "0") {
      done();
      acts.fit();
    } else if (key === "Escape") acts.close();
  });
}

/** The row of columns above or below the one that has focus; undefined where the walk leaves the node. */
function nextWithin(part, key) {
  if (part.dataset.act !== "column" || (key !== "ArrowUp" && key !== "ArrowDown")) return undefined;
  const rows = [...part.parentNode.querySelectorAll('[data-act="column"]')];
  const at = rows.indexOf(part) + (key === "ArrowDown" ? 1 : -1);
  return at < 0 ? part.parentNode.querySelector(".dc-node-main") : rows[at];
}
