// Runs in the head before the first paint, so a chosen theme never flashes the other one.
// "auto" sets no attribute: the style sheet follows the system by itself, also without JavaScript.
const root = document.documentElement;
root.classList.add("js");
let choice = "auto";
try {
  choice = localStorage.getItem("theme") ?? "auto";
} catch {
  // Storage may be forbidden; the system's theme is then the answer.
}
if (choice === "light" || choice === "dark") root.dataset.bsTheme = choice;
