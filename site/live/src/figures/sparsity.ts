// Lesson 02: the sparsity of the whole network.
import { network } from "../client.ts";
import { Line, choice, footnote, h, latest, slider } from "../dom.ts";
import { fixed, general, thousands } from "../format.ts";
import type { Figure } from "../figure.ts";
import { PixelMap } from "../pixels.ts";
import { Bars, Histogram, Trail } from "../plot.ts";

const SIZES = [235_200, 30_000, 1_000], ALL = 266_200;
const SCOPES = {
  global: "global: all layers compete", layer: "per layer: each gives the same share" } as const;
const NAMES = { global: "global", layer: "per layer" };
type Scope = keyof typeof SCOPES;

export const sparsity: Figure = async (_, failed) => {
  const client = await network("network", "digits"), known = await client.ask("describe", {});
  const line = new Line();
  let scope: Scope = "global";
  const histogram = new Histogram("How many weights have which value", "weight", known.counts.all,
                                  known.reach.all);
  const trail = new Trail("Accuracy at the sparsities visited so far", {
    from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], label: "sparsity" },
    100 * known.right / known.images, Object.values(NAMES));
  const map = new PixelMap("Share of weights that each pixel keeps");
  const bars = new Bars("What each layer keeps");
  const move = latest(async (at: number) => {
    const value = at / 100, by = scope;
    const { right, kept, zeros, pixels } = await client.ask("step", { by, value });
    const accuracy = 100 * (right / known.images), left = kept.reduce((sum, n) => sum + n, 0);
    const words = `sparsity ${general(value)}: ${fixed(100 * (1 - left / ALL), 1)} % of all `
      + `weights are zero, accuracy ${fixed(accuracy, 1)} %.`;
    histogram.show(zeros);
    trail.mark(value, accuracy, NAMES[by]);
    map.show(pixels.map(n => n / 300), `The pixels of the image, each with the share of its `
      + `weights that it keeps in fc1. ${pixels.filter(n => !n).length} of 784 keep none.`);
    bars.show(kept.map((n, l) => ({ name: `fc${l + 1}`, value: n, of: SIZES[l],
      words: `${fixed(100 * n / SIZES[l], 1)} % of ${thousands(SIZES[l])}` })));
    histogram.describe(`Histogram of all weights, those that are zero marked. ${words}`);
    trail.describe(`Accuracy against sparsity. ${words}`);
    line.say(words, at > 0);
    Object.assign(element.dataset, { at, by, right, kept: kept.join() });
  }, failed);
  const control = slider("sparsity", 100, 0, at => `${at} %`, move);
  const scopes = choice("The smallest weights go", SCOPES, scope, chosen => {
    scope = chosen;
    move(control.input.valueAsNumber);
  });
  const element = h("div", { class: "live-figure" },
    control.element, scopes, line.element, line.status,
    h("div", { class: "live-panels" }, histogram.element, trail.element, map.element, bars.element),
    footnote(known));
  move(0);
  return element;
};
