// Sends a form when a choice in it changes; its button (class "js-hidden") serves where there is no JavaScript.
export function attach(form) {
  form.addEventListener("change", () => form.requestSubmit());
}
