// Panning and zooming, with d3-zoom: the wheel zooms with Ctrl or once the picture has focus, so that it never traps a
// page that is scrolled.
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";

const READABLE = 0.85;
const LEAST = 0.03;
const EDGE = 16;

export class Viewport {
  /** `onLook` is called with {x, y, k, width, height}, at most once a frame. */
  constructor(svg, stage, host, onLook) {
    this.svg = svg;
    this.stage = stage;
    this.onLook = onLook;
    this.size = { width: 0, height: 0 };
    this.zoomer = zoom()
      .scaleExtent([LEAST, 2.5])
      .filter((event) => !event.button && (event.type !== "wheel" || event.ctrlKey || event.metaKey || host.contains(document.activeElement) || document.fullscreenElement === host))
      .on("zoom", () => this.soon());
    this.canvas = select(svg).call(this.zoomer).on("dblclick.zoom", null);
    new ResizeObserver(() => this.soon()).observe(stage);
  }

  get now() {
    return this.svg.__zoom;
  }

  soon() {
    this.asked ??= requestAnimationFrame(() => this.look());
  }

  look() {
    cancelAnimationFrame(this.asked);
    this.asked = undefined;
    const { x, y, k } = this.now;
    this.onLook({ x, y, k, width: this.stage.clientWidth, height: this.stage.clientHeight });
  }

  set(x, y, k) {
    this.canvas.call(this.zoomer.transform, zoomIdentity.translate(x, y).scale(k));
    this.look();
  }

  by(factor) {
    this.canvas.call(this.zoomer.scaleBy, factor);
  }

  move(dx, dy) {
    if (dx || dy) this.set(this.now.x + dx, this.now.y + dy, this.now.k);
  }

  /** Everything, or around `centre` where everything would be too small to read. */
  fit({ width, height }, centre = null) {
    const [wide, high] = [this.stage.clientWidth, this.stage.clientHeight];
    const whole = Math.max(LEAST, Math.min((wide - 32) / width, (high - 32) / height, 1));
    if (centre && whole < READABLE) {
      this.set(along(wide, width * READABLE, centre.x * READABLE), along(high, height * READABLE, centre.y * READABLE), READABLE);
    } else this.set((wide - width * whole) / 2, (high - height * whole) / 2, whole);
  }

  /** After more was drawn: everything, where it can be read so; else as it was, but for empty space beside what is cut off. */
  settle(size) {
    const [wide, high] = [this.stage.clientWidth, this.stage.clientHeight];
    const { x, y, k } = this.now;
    const whole = Math.min((wide - 2 * EDGE) / size.width, (high - 2 * EDGE) / size.height);
    if (whole < k && whole >= READABLE) this.fit(size);
    else this.set(beside(wide, size.width * k, x), beside(high, size.height * k, y), k);
  }

  /** Pan as little as possible so that a box of the world is in view. */
  reveal(box) {
    const { x, y, k } = this.now;
    const edge = 20;
    const shift = (low, high, window) => (low < edge ? edge - low : high > window - edge ? Math.max(window - edge - high, edge - low) : 0);
    this.move(shift(box.x * k + x, (box.x + box.width) * k + x, this.stage.clientWidth), shift(box.y * k + y, (box.y + box.height) * k + y, this.stage.clientHeight));
  }
}

/** Where a picture that begins at `at` begins instead, so that all of it is in the window, or else all the window in it. */
function beside(window, size, at) {
  const [one, other] = [EDGE, window - size - EDGE];
  return Math.min(Math.max(at, Math.min(one, other)), Math.max(one, other));
}

/** Where a picture begins in a window: centred where it fits, else around `point` without empty space beside it. */
function along(window, size, point) {
  return size <= window ? (window - size) / 2 : Math.min(16, Math.max(window - size - 16, window / 2 - point));
}
