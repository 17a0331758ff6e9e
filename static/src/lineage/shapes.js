// Paths of lines, boxes around them, and texts that fit: what drawing and export share.
import { WIDTH, rowMiddle } from "./model.js";

const BEND = 0.5;
const BULGE = 56;

/** A smooth path through points along the flow; lines run straight through the layers on their way. */
export function curve(points, down) {
  let path = `M${round(points[0].x)},${round(points[0].y)}`;
  let last = points[0];
  for (const point of points.slice(1)) {
    const room = point.room ?? 0;
    const entry = down ? { x: point.x, y: point.y - room } : { x: point.x - room, y: point.y };
    path += bend(last, entry, down);
    last = entry;
    if (room) {
      last = down ? { x: point.x, y: point.y + room } : { x: point.x + room, y: point.y };
      path += `L${round(last.x)},${round(last.y)}`;
    }
  }
  return path;
}

function bend(from, to, down) {
  const reach = down ? Math.max(24, Math.abs(to.y - from.y) * BEND) : Math.max(24, Math.abs(to.x - from.x) * BEND);
  const one = down ? { x: from.x, y: from.y + reach } : { x: from.x + reach, y: from.y };
  const other = down ? { x: to.x, y: to.y - reach } : { x: to.x - reach, y: to.y };
  return `C${round(one.x)},${round(one.y)} ${round(other.x)},${round(other.y)} ${round(to.x)},${round(to.y)}`;
}

const round = (value) => Math.round(value * 10) / 10;

/** The points of a line between two datasets. */
export function pointsOf(line, source, target, down) {
  const start = down ? { x: source.x + WIDTH / 2, y: source.y + source.height } : { x: source.x + WIDTH, y: source.y + source.head / 2 };
  const end = down ? { x: target.x + WIDTH / 2, y: target.y - 4 } : { x: target.x - 4, y: target.y + target.head / 2 };
  return [start, ...(line.bends ?? []), end];
}

/** The points of a flow between two columns: from the right side of a row to the left side of another; where layers run
 *  down, to its right side as well. */
export function pointsOfFlow(flow, source, target, down) {
  return [
    { x: source.x + WIDTH, y: source.y + rowMiddle(source, flow.source_column) },
    { x: down ? target.x + WIDTH + 4 : target.x - 4, y: target.y + rowMiddle(target, flow.target_column) },
  ];
}

/** The path of such a flow; where layers run down it keeps to the right of the boxes. */
export function flowCurve(points, down) {
  if (!down) return curve(points, false);
  const [from, to] = points;
  const out = Math.max(from.x, to.x) + BULGE;
  return `M${round(from.x)},${round(from.y)}C${round(out)},${round(from.y)} ${round(out)},${round(to.y)} ${round(to.x)},${round(to.y)}`;
}

export function boundsOf(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  return { left: Math.min(...xs) - 60, right: Math.max(...xs) + 60, top: Math.min(...ys) - 30, bottom: Math.max(...ys) + 30 };
}

const pen = document.createElement("canvas").getContext("2d");
const fitted = new Map();

/** The text, shortened in the middle, where names of datasets differ least, until it fits. */
export function fit(text, font, width) {
  const known = `${font}|${width}|${text}`;
  if (!fitted.has(known)) fitted.set(known, shortened(text, font, width));
  return fitted.get(known);
}

function shortened(text, font, width) {
  pen.font = font;
  if (pen.measureText(text).width <= width) return text;
  let [low, high] = [1, text.length - 1];
  const cut = (keep) => `${text.slice(0, Math.ceil(keep * 0.45))}…${text.slice(text.length - Math.floor(keep * 0.55))}`;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pen.measureText(cut(middle)).width <= width) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}

/** How wide a text is. */
export function widthOf(text, font) {
  pen.font = font;
  return pen.measureText(text).width;
}

/** Fonts decide what fits: forget it when they arrive. */
export function forgetFits() {
  fitted.clear();
}
