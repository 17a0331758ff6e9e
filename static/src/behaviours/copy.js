// Copies `data-text` to the clipboard and says so, to eyes and to screen readers.
import { announce } from "../announce.js";

export function attach(button) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.text);
    button.classList.add("is-done");
    announce("Copied");
    setTimeout(() => button.classList.remove("is-done"), 1500);
  });
}
