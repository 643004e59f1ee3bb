// Lesson 03: neurons of fc1 removed, a smaller network that is read, weighed and timed.
import { network } from "../client.ts";
import { Line, atRest, footnote, h, latest, slider } from "../dom.ts";
import { fixed } from "../format.ts";
import type { Figure } from "../figure.ts";
import { Bars, Trail } from "../plot.ts";

const MOST = 299;

export const neurons: Figure = async (_, failed) => {
  const client = await network("network", "digits", "neurons");
  const known = await client.ask("describe", {});
  const whole = await client.ask("remove", { count: 0 }), line = new Line();
  const widths = new Bars("Units left in each layer");
  const trail = new Trail("Accuracy at the counts visited so far", {
    from: 0, to: MOST, ticks: [0, 100, 200, 299], label: "neurons removed" },
    100 * known.right / known.images);
  const costs = new Bars("What the network costs, beside the whole one", "live-wide");
  let shown = 0, before = "", bytes = whole.bytes;
  const weigh = (now: { whole: number; removed: number } | null) => costs.show([
    { name: "file", value: bytes, of: whole.bytes,
      words: `${kilo(bytes)} kB of ${kilo(whole.bytes)}` },
    { name: "time, 256 images", value: now?.removed ?? 0, of: now?.whole ?? 1,
      kind: "live-time", words: now ? `${fixed(now.removed, 2)} ms of ${fixed(now.whole, 2)}`
                                    : "waits for the hand to rest" }]);
  const measure = latest(async (count: number) => {
    const now = await client.ask("time", { count });
    if (count !== shown) return;
    line.say(`${before} Latency: ${fixed(now.removed, 2)} ms for 256 images.`, count > 0);
    weigh(now);
    Object.assign(element.dataset, { whole: now.whole, removed: now.removed });
  }, failed);
  const rest = atRest(() => measure(shown));
  const move = latest(async (count: number) => {
    const found = await client.ask("remove", { count });
    const accuracy = 100 * (found.right / known.images);
    ({ bytes } = found);
    shown = count;
    before = `${count} removed: accuracy ${fixed(accuracy, 1)} %, ${kilo(bytes)} kB.`;
    line.say(`${before} Latency: measured when the hand rests.`, false);
    widths.show([300 - count, 100, 10].map((left, l) => ({ name: `fc${l + 1}`, value: left,
                                                           of: 300, words: `${left} units` })));
    trail.mark(count, accuracy);
    trail.describe(`Accuracy against the number of neurons removed. ${before}`);
    weigh(null);
    Object.assign(element.dataset, { at: count, right: found.right, bytes });
    rest();
  }, failed);
  const control = slider("neurons of fc1 removed", MOST, 0, String, move);
  const element = h("div", { class: "live-figure" },
    control.element, line.element, line.status,
    h("div", { class: "live-panels" }, widths.element, trail.element, costs.element),
    footnote(known, " Neurons of lowest Taylor score go first, as in the lesson; a smaller "
      + "network is really built each time. Your browser's milliseconds are not PyTorch's."));
  move(0);
  return element;
};

const kilo = (bytes: number) => fixed(bytes / 1000, 0);
