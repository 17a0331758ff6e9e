// The dataset page's lineage: `lineage/` has the parts. In the table's view the form alone is bound, as a plain form.
import { Explorer } from "../lineage/explorer.js";

export async function attach(host) {
  if (!host.querySelector('[data-part="stage"]')) {
    host.dataset.drawn = "";
    return;
  }
  const explorer = new Explorer(host);
  try {
    await explorer.show();
  } catch (error) {
    explorer.fail(error);
  }
}
