// Ticking a column in a form that asks for everything asks for some: the ticked ones. Whoever wants everything says so again.
// Bound to what holds the columns, inside of what tells the server of a change, so that the server hears of both at once.
export function attach(columns) {
  columns.addEventListener("change", (event) => {
    const extent = columns.closest("form").elements.extent;
    if (event.target.checked && extent) extent.value = "some";
  });
}
