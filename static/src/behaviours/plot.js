// Draws the table inside a figure with uPlot. Colours are read from the tokens and again when the theme changes.
import uPlot from "uplot";

const SERIES = ["--accent", "--brass", "--blue-fill", "--red-fill", "--violet-fill"];

function read(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows];
  const times = rows.map((row) => row.cells[0].querySelector("time")?.dateTime);
  const timed = rows.length > 0 && times.every(Boolean);
  const labels = rows.map((row) => row.cells[0].textContent.trim());
  const columns = heads.slice(1).map((_, index) =>
    rows.map((row) => {
      const cell = row.cells[index + 1];
      const text = cell.dataset.value ?? cell.textContent.replace(/[^0-9.eE+-]/g, "");
      return text === "" ? null : Number(text);
    }),
  );
  return { heads, labels, timed, columns, x: timed ? times.map((time) => Date.parse(time) / 1000) : rows.map((_, index) => index) };
}

const day = new Intl.DateTimeFormat("en-AU", { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en-AU", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat("en-AU", { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });

/** Times below an axis: the date where it changes, the clock between. */
function timeTicks(ticks) {
  let before = "";
  return ticks.map((tick) => {
    const date = day.format(tick * 1000);
    const text = date === before ? clock.format(tick * 1000) : date;
    before = date;
    return text;
  });
}

/** The token's colour as the browser resolves it; light-dark() means nothing on a canvas. */
function colour(host, token) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  host.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function attach(figure) {
  const canvas = figure.querySelector(".dc-plot-canvas");
  const table = figure.querySelector("table");
  const { kind, unit } = figure.dataset;
  const found = read(table);
  let plot;

  const say = (value) => (value === null || value === undefined ? "–" : `${value.toLocaleString("en", { maximumFractionDigits: 1 })}${unit ? ` ${unit}` : ""}`);

  function make() {
    plot?.destroy();
    const ink = colour(figure, "--ink-2");
    const line = colour(figure, "--line");
    const axis = { stroke: ink, font: "11px Inter, system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const sorted = found.timed ? found.x.map((_, index) => index).sort((a, b) => found.x[a] - found.x[b]) : found.x.map((_, index) => index);
    const [low, high] = [Math.min(...found.x), Math.max(...found.x)];
    const gap = found.x.length > 1 ? (high - low) / (found.x.length - 1) : found.timed ? 3_600 : 1;
    const pick = (values) => sorted.map((index) => values[index]);
    plot = new uPlot(
      {
        width: Math.max(canvas.clientWidth, 240),
        height: 220,
        padding: [12, 12, 0, 0],
        cursor: { y: false, points: { size: 7 } },
        legend: { live: true },
        scales: {
          x: { time: found.timed, range: kind === "bars" ? [low - gap * 0.6, high + gap * 0.6] : undefined },
          y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.08 || 1] },
        },
        series: [
          { label: found.heads[0], value: (_, value) => (value === null ? "–" : found.timed ? full.format(value * 1000) : found.labels[value]) },
          ...found.columns.map((_, index) => {
            const stroke = colour(figure, SERIES[index % SERIES.length]);
            return {
              label: found.heads[index + 1],
              stroke,
              width: 2,
              fill: kind === "bars" ? stroke : undefined,
              paths: kind === "bars" ? uPlot.paths.bars({ size: [0.62, 40], radius: 0.15 }) : undefined,
              points: { show: kind !== "bars" && found.x.length < 40, size: 5, fill: stroke },
              value: (__, value) => say(value),
            };
          }),
        ],
        axes: [
          { ...axis, grid: { show: false }, values: (_, ticks) => (found.timed ? timeTicks(ticks) : ticks.map((tick) => found.labels[tick] ?? "")) },
          { ...axis, size: (_, values) => Math.max(56, 20 + 6.5 * Math.max(0, ...(values ?? []).map((value) => value.length))), values: (_, ticks) => ticks.map((tick) => say(tick)) },
        ],
      },
      [pick(found.x), ...found.columns.map(pick)],
      canvas,
    );
  }

  figure.dataset.drawn = "";
  if (!found.x.length) return;
  make();
  let width = canvas.clientWidth;
  new ResizeObserver(() => {
    if (canvas.clientWidth === width || !canvas.clientWidth) return;
    width = canvas.clientWidth;
    plot.setSize({ width, height: 220 });
  }).observe(canvas);
  document.addEventListener("theme-change", make);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
}
