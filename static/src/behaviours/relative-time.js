// Keeps "3 minutes ago" true while the page stays open.
const units = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const shown = new Set();

function words(seconds) {
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(seconds > 0 ? Math.round(seconds / size) : Math.trunc(seconds / size), unit);
  }
  return seconds <= 0 ? "just now" : "in a moment";
}

function refresh() {
  for (const element of shown) {
    if (!element.isConnected) shown.delete(element);
    else element.textContent = words((Date.parse(element.dateTime) - Date.now()) / 1000);
  }
}

export function attach(element) {
  if (!shown.size) setInterval(refresh, 30_000);
  shown.add(element);
}
