// Builds the browser side: `node static/build.mjs [--watch]`.
//
// Every file in static/dist/ carries its content's hash in its name, so a browser may keep it for ever.
// manifest.json maps the plain name ("app.js") to the hashed one; the template tag `{% asset %}` reads it.
// Chunks and the layout worker are found relative to the importing module, so hashed names reach them as well.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const source = path.join(here, "src");
const output = path.join(here, "dist");
const modules = path.join(root, "node_modules");
const browsers = ["chrome123", "firefox121", "safari17.5"];

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  target: browsers,
  outdir: output,
  entryNames: "[name].[hash]",
  chunkNames: "chunk-[name].[hash]",
  assetNames: "[name].[hash]",
  loader: { ".woff2": "file", ".svg": "file" },
  legalComments: "none",
  logLevel: "warning",
};

class BuildError extends Error {}

/** Maps each entry point's plain name to the hashed file that esbuild wrote for it. */
function namesOf(metafile) {
  const names = {};
  for (const [file, details] of Object.entries(metafile.outputs)) {
    if (!details.entryPoint) continue;
    const extension = path.extname(file);
    names[path.basename(details.entryPoint, path.extname(details.entryPoint)) + extension] = path.basename(file);
  }
  return names;
}

async function filesUnder(folder, extensions) {
  const skipped = new Set(["node_modules", "var", "dist", ".git", "tests", "migrations"]);
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || skipped.has(entry.name)) continue;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesUnder(full, extensions)));
    else if (extensions.includes(path.extname(entry.name))) found.push(full);
  }
  return found;
}

/** Icon names used by templates (`{% icon "x" %}`, `icon="x"`), by Python (`icon="x"`) and by icons.json. */
async function iconNames() {
  const names = new Map();
  for (const name of JSON.parse(await readFile(path.join(source, "icons.json"), "utf8"))) names.set(name, "icons.json");
  const pattern = /(?:\{%\s*icon\s+|\bicon=)["']([a-z0-9-]+)["']/g;
  for (const file of await filesUnder(root, [".html", ".py"])) {
    for (const match of (await readFile(file, "utf8")).matchAll(pattern)) {
      if (!names.has(match[1])) names.set(match[1], path.relative(root, file));
    }
  }
  return names;
}

/** Writes one SVG sprite that holds only the icons in use. */
async function buildSprite() {
  const symbols = [];
  const unknown = [];
  for (const [name, where] of [...(await iconNames())].sort()) {
    let svg;
    try {
      svg = await readFile(path.join(modules, "@tabler/icons/icons/outline", `${name}.svg`), "utf8");
    } catch {
      unknown.push(`"${name}" in ${where}`);
      continue;
    }
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const shapes = inner.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "").replace(/\s+/g, " ").trim();
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`);
  }
  if (unknown.length) {
    throw new BuildError(`No such icon: ${unknown.join(", ")}. Names are those of tabler.io/icons (outline).`);
  }
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  const name = `icons.${createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(path.join(output, name), text);
  return { "icons.svg": name };
}

/** Copies the mark (the browser's tab shows it) under a hashed name. */
async function copyMark() {
  const text = await readFile(path.join(source, "mark.svg"));
  const name = `mark.${createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(path.join(output, name), text);
  return { "mark.svg": name };
}

async function buildAll() {
  const started = performance.now();
  await mkdir(output, { recursive: true });
  const worker = await esbuild.build({
    ...common,
    format: "iife",
    entryPoints: [path.join(source, "lineage/layout-worker.js")],
  });
  const workerName = path.basename(Object.keys(worker.metafile.outputs)[0]);
  const [app, head, sprite, mark] = await Promise.all([
    esbuild.build({
      ...common,
      format: "esm",
      splitting: true,
      entryPoints: [path.join(source, "app.js"), path.join(source, "app.css")],
      define: { LAYOUT_WORKER: JSON.stringify(workerName) },
    }),
    esbuild.build({ ...common, format: "iife", entryPoints: [path.join(source, "theme.js")] }),
    buildSprite(),
    copyMark(),
  ]);
  const manifest = { ...namesOf(app.metafile), ...namesOf(head.metafile), ...sprite, ...mark, "layout-worker.js": workerName };
  const kept = new Set(["manifest.json", ...Object.values(manifest)]);
  for (const result of [app, head]) {
    for (const file of Object.keys(result.metafile.outputs)) kept.add(path.basename(file));
  }
  // The manifest is replaced in one step: a page rendered meanwhile sees the old set or the new one.
  const draft = path.join(output, "manifest.json.new");
  await writeFile(draft, JSON.stringify(manifest, null, 2) + "\n");
  await rename(draft, path.join(output, "manifest.json"));
  for (const name of await readdir(output)) if (!kept.has(name)) await rm(path.join(output, name), { force: true });
  console.log(`Front end built: ${kept.size} files in ${Math.round(performance.now() - started)} ms.`);
}

async function run() {
  try {
    await buildAll();
    return true;
  } catch (error) {
    console.error(error instanceof BuildError ? error.message : error);
    return false;
  }
}

const succeeded = await run();
if (process.argv.includes("--watch")) {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(run, 100);
  };
  watch(source, { recursive: true }, again);
  watch(path.join(root, "templates"), { recursive: true }, again);
} else if (!succeeded) {
  process.exitCode = 1;
}
