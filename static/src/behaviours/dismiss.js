// Lets a message be put away.
export function attach(button) {
  button.addEventListener("click", () => button.closest("[data-dismissible]").remove());
}
