// The state of an explorer is its address: these read it and write the next one. Pure.

const split = (text) => (text ? text.split(",").filter(Boolean) : []);

/** How many pages of neighbours are asked for, by "key.way"; a node that is not named shows what the depth shows. */
export function expanded(params) {
  return new Map(split(params.get("expand")).map((part) => [part.slice(0, part.lastIndexOf(".")), Number(part.slice(part.lastIndexOf(".") + 1))]));
}

/** The ids of the datasets whose columns are open. */
export function opened(params) {
  return new Set(split(params.get("open")));
}

/** The column whose lineage is shown, as {dataset, name}, or null. */
export function column(params) {
  const text = params.get("column") ?? "";
  const at = text.indexOf(":");
  return at > 0 ? { dataset: text.slice(0, at), name: text.slice(at + 1) } : null;
}

/** A copy with one parameter changed; an empty value takes it out. */
export function changed(params, name, value) {
  const next = new URLSearchParams(params);
  next.delete("page");
  if (value === null || value === undefined || value === "") next.delete(name);
  else next.set(name, String(value));
  return next;
}

export function withPages(params, key, way, pages) {
  const all = expanded(params).set(`${key}.${way}`, pages);
  return changed(params, "expand", [...all].map(([name, count]) => `${name}.${count}`).join(","));
}

export function withOpen(params, key, open) {
  const all = opened(params);
  if (open) all.add(key);
  else all.delete(key);
  return changed(params, "open", [...all].join(","));
}
