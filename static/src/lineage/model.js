// What a picture consists of: nodes with their sizes and rows of columns, lines between them, who is beside whom. Pure.
export const WIDTH = 236;
export const HEAD = 58;
export const FOOT = 32;
export const ROW = 24;
const HIDDEN_HEAD = 40;

/** The rows of a node: its open columns, and those of the column's lineage; a hidden column has an empty name. */
function rowsOf(node, columns, traced) {
  const own = traced.get(node.key) ?? new Set();
  const open = (columns?.columns ?? []).map((column) => ({ ...column, traced: own.has(column.name) }));
  const names = new Set(open.map((column) => column.name));
  return [...open, ...[...own].filter((name) => !names.has(name)).map((name) => ({ name, traced: true }))];
}

/** The names of columns on the trace, by node; null is the whole dataset and has no row. */
function tracedOf(trace) {
  const found = new Map();
  const add = (key, name) => {
    if (name === null) return;
    if (!found.has(key)) found.set(key, new Set());
    found.get(key).add(name);
  };
  if (!trace) return found;
  add(trace.node, trace.column);
  for (const flow of [...trace.flows, ...trace.influences]) {
    add(flow.source, flow.source_column);
    add(flow.target, flow.target_column);
  }
  return found;
}

/**
 * The scene of a graph as the server gives it: `columns` are pages of columns by key, `critical` leaves out what fewer
 * datasets depend on (never the one in the middle).
 */
export function sceneOf(graph, { columns = new Map(), critical = 0 } = {}) {
  const traced = tracedOf(graph.trace);
  const nodes = new Map();
  for (const node of graph.nodes) {
    const isFocus = node.key === graph.focus;
    if (critical && !isFocus && (node.criticality ?? 0) < critical) continue;
    const page = columns.get(node.key);
    const rows = rowsOf(node, page, traced);
    const hidden = !node.title;
    const head = hidden ? HIDDEN_HEAD : HEAD;
    const hasPager = Boolean(page && page.pages > 1);
    nodes.set(node.key, {
      ...node,
      isFocus,
      hidden,
      head,
      rows,
      page: hasPager ? page : null,
      isOpen: Boolean(page),
      onPath: graph.paths.some((path) => path.includes(node.key)),
      level: graph.levels?.[node.level] ?? null,
      width: WIDTH,
      height: head + FOOT + (rows.length + hasPager) * ROW,
      into: [],
      out: [],
    });
  }
  const lines = graph.edges
    .filter((edge) => edge.source !== edge.target && nodes.has(edge.source) && nodes.has(edge.target))
    .map((edge) => ({ ...edge, onPath: edge.on_path, names: edge.jobs.map((job) => graph.jobs[job]?.name ?? "a job") }));
  for (const line of lines) {
    nodes.get(line.source).out.push(line);
    nodes.get(line.target).into.push(line);
  }
  const flows = [];
  for (const [whole, list] of [[false, graph.trace?.flows ?? []], [true, graph.trace?.influences ?? []]]) {
    for (const flow of list) if (nodes.has(flow.source) && nodes.has(flow.target)) flows.push({ ...flow, whole });
  }
  return { nodes, lines, flows, trace: graph.trace, hasPaths: graph.paths.length > 0 };
}

/** The distinct criticalities of a graph, from 0 up: the steps of the slider. */
export function criticalities(graph) {
  return [...new Set([0, ...graph.nodes.map((node) => node.criticality ?? 0)])].sort((a, b) => a - b);
}

/** What the layout needs of a scene. Flows between columns of datasets without a line of their own are lines to it too. */
export function graphOf(scene, down, before) {
  const nodes = [...scene.nodes.values()].map(({ key, width, height }) => ({ id: key, width, height }));
  const edges = scene.lines.map(({ source, target }) => ({ source, target }));
  return { nodes, edges, down, before };
}

/** Where a row of a node is, from the node's top: its middle; the head's where the column has no row. */
export function rowMiddle(node, name) {
  const at = name === null ? -1 : node.rows.findIndex((row) => row.name === name);
  return at < 0 ? node.head / 2 : node.head + FOOT + at * ROW + ROW / 2;
}
