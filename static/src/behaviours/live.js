// A polled region says aloud what `data-announce` says, when that changes and at most every ten seconds: progress
// is heard, not chatter. The end (`data-ended`) is always said at once.
import { announce } from "../announce.js";

const quietFor = 10_000;
const last = new Map();

export function attach(region) {
  const sentence = region.dataset.announce;
  if (!sentence) return;
  const before = last.get(region.id);
  const now = Date.now();
  if (!before) {
    last.set(region.id, { sentence, at: now });
    return;
  }
  if (before.sentence === sentence) return;
  if (region.dataset.ended === undefined && now - before.at < quietFor) return;
  last.set(region.id, { sentence, at: now });
  announce(sentence);
}
