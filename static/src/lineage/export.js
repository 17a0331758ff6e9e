// The whole picture as a file: an SVG that needs nothing else, or a PNG of it.
import { draw } from "./nodes.js";
import { Drawing } from "./drawing.js";

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor"];
const PADDING = 56;
const MOST_PIXELS = 32_000_000;
const MOST_SIDE = 16_000;

/** The picture as SVG text: every colour and font written out, every icon inside. */
export async function svgOf(scene, { width, height, down, icons, host, title }) {
  const symbols = new DOMParser().parseFromString(await (await fetch(icons.sprite)).text(), "image/svg+xml");
  const size = { width: Math.ceil(width + 2 * PADDING), height: Math.ceil(height + 2 * PADDING) };
  const svg = draw("svg", { class: "dc-explorer-canvas is-export", width: size.width, height: size.height, viewBox: `${-PADDING} ${-PADDING} ${size.width} ${size.height}` });
  host.append(svg);
  try {
    const drawing = new Drawing(svg, icons, "export");
    drawing.show(scene, { down });
    drawing.look({ x: 0, y: 0, k: 1, width, height });
    drawing.world.removeAttribute("transform");
    drawing.farLayer.remove();
    svg.prepend(draw("rect", { class: "dc-export-ground", x: -PADDING, y: -PADDING, width: size.width, height: size.height }));
    svg.prepend(draw("title", {}, null, title));
    for (const button of svg.querySelectorAll(".dc-node-button")) plain(button);
    for (const element of svg.querySelectorAll("*")) written(element, symbols);
    for (const hit of svg.querySelectorAll(".dc-line-hit, .dc-node-main")) hit.remove();
    for (const element of [svg, ...svg.querySelectorAll("*")]) bare(element);
    draw("style", {}, svg, await fonts());
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return { text: new XMLSerializer().serializeToString(svg), ...size };
  } finally {
    svg.remove();
  }
}

/** What can be pressed is nothing to press in a file: "3 of 12" stays as what it tells, the rest goes. */
function plain(button) {
  const told = button.dataset.act.startsWith("more-") ? button.querySelector("text") : null;
  if (!told) return button.remove();
  told.textContent = told.textContent.replace(/[‹›]/g, "").trim();
  told.setAttribute("class", "dc-node-count");
  button.replaceWith(told);
}

/** The rules of the page's fonts that are in use, with the fonts inside: a picture asks for no other file. */
async function fonts() {
  const loaded = [...document.fonts].filter((face) => face.status === "loaded");
  const known = (style) => loaded.some((face) => unquoted(face.family) === unquoted(style.fontFamily) && face.unicodeRange === style.getPropertyValue("unicode-range"));
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules].filter((rule) => rule instanceof CSSFontFaceRule && known(rule.style)).map((rule) => [sheet, rule.style]));
  return (await Promise.all(rules.map(([sheet, style]) => inside(sheet, style)))).join("");
}

async function inside(sheet, style) {
  const address = new URL(style.getPropertyValue("src").match(/url\("?([^")]+)/)[1], sheet.href ?? location.href);
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => Object.assign(reader, { onload: resolve, onerror: reject }));
  reader.readAsDataURL(await (await fetch(address)).blob());
  await read;
  return `@font-face{font-family:${style.fontFamily};font-weight:${style.fontWeight};font-style:${style.fontStyle};unicode-range:${style.getPropertyValue("unicode-range")};src:url(${reader.result}) format("woff2")}`;
}

const unquoted = (text) => text.replaceAll('"', "");

/** Write what the style sheet says of an element into the element, and an icon's strokes in its place. */
function written(element, symbols) {
  const style = getComputedStyle(element);
  for (const name of STYLES) {
    const value = style.getPropertyValue(name);
    if (value && value !== "none" && value !== "normal" && value !== "auto") element.setAttribute(name, value);
    else if (value === "none" && (name === "fill" || name === "stroke")) element.setAttribute(name, "none");
  }
  if (element.localName !== "use") return;
  const symbol = symbols.getElementById(element.getAttribute("href").split("#")[1]);
  const scale = Number(element.getAttribute("width")) / 24;
  const icon = draw("g", { transform: `translate(${element.getAttribute("x")} ${element.getAttribute("y")}) scale(${scale})`, fill: "none", stroke: style.color, "stroke-width": 1.75, "stroke-linecap": "round", "stroke-linejoin": "round" });
  for (const child of symbol?.children ?? []) icon.append(document.importNode(child, true));
  element.replaceWith(icon);
}

/** What only a page needs is no part of a file. */
function bare(element) {
  for (const { name } of [...element.attributes]) {
    if (name.startsWith("aria-") || name.startsWith("data-") || ["class", "role", "tabindex"].includes(name)) element.removeAttribute(name);
  }
}

/** The same as a PNG, twice as fine as the screen where the browser can hold it. */
export async function pngOf({ text, width, height }) {
  const source = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image(width, height);
    image.src = source;
    await image.decode();
    const scale = Math.min(2, MOST_SIDE / width, MOST_SIDE / height, Math.sqrt(MOST_PIXELS / (width * height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(width * scale);
    canvas.height = Math.floor(height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for a PNG. Save it as SVG."))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(source);
  }
}

/** Offer a file to the reader. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
