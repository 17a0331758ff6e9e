// The details beside the picture: a part of a page that the server writes, which opens, closes and gives focus back.
import htmx from "htmx.org";

export class Panel {
  /** `onColumn` is called with "dataset:column" for a column that is chosen in the panel. */
  constructor(host, onColumn) {
    this.element = host.querySelector('[data-part="panel"]');
    this.body = host.querySelector('[data-part="panel-body"]');
    this.before = null;
    host.querySelector('[data-part="close"]').addEventListener("click", () => this.close());
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    this.body.addEventListener("click", (event) => {
      const column = event.target.closest("a[data-column]");
      const link = event.target.closest("a[data-panel]");
      if (!column && !link) return;
      event.preventDefault();
      if (column) onColumn(column.dataset.column);
      else this.load(link.href);
    });
    this.body.addEventListener("submit", (event) => {
      const form = event.target.closest('[data-part="column-search"]');
      if (!form) return;
      event.preventDefault();
      this.load(`${form.action}?${new URLSearchParams(new FormData(form))}`);
    });
  }

  get isOpen() {
    return !this.element.hidden;
  }

  async open(url) {
    if (!this.element.contains(document.activeElement)) this.before = document.activeElement;
    this.element.hidden = false;
    await this.load(url);
    this.element.focus({ preventScroll: true });
  }

  async load(url) {
    this.body.setAttribute("aria-busy", "true");
    try {
      await htmx.ajax("GET", url, { target: this.body, swap: "innerHTML", source: this.body });
    } finally {
      this.body.removeAttribute("aria-busy");
    }
  }

  close() {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.body.replaceChildren();
    if (this.before?.isConnected) this.before.focus({ preventScroll: true });
  }
}
