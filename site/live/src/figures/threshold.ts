// Lesson 00: a threshold on the first layer.
import { network } from "../client.ts";
import { Line, footnote, h, latest, slider } from "../dom.ts";
import { fixed, general } from "../format.ts";
import type { Figure } from "../figure.ts";
import { Histogram, Trail } from "../plot.ts";

const WEIGHTS = 235_200;

export const threshold: Figure = async (_, failed) => {
  const client = await network("network", "digits"), known = await client.ask("describe", {});
  const top = known.reach.fc1, line = new Line();
  const histogram = new Histogram("How many weights of fc1 have which value", "weight of fc1",
                                  known.counts.fc1, top);
  const trail = new Trail("Accuracy at the thresholds visited so far", {
    from: 0, to: top, ticks: [0, 0.05, 0.1, 0.15, 0.2, 0.25], label: "threshold" },
    100 * known.right / known.images);
  const move = latest(async (at: number) => {
    const value = at * (top / 100);
    const { right, kept, zeros } = await client.ask("step", { by: "threshold", value });
    const accuracy = 100 * (right / known.images), share = 100 * (1 - kept[0] / WEIGHTS);
    const words = `threshold ${general(value)}: ${fixed(share, 1)} % of weights of fc1 are zero, `
      + `accuracy ${fixed(accuracy, 1)} %.`;
    histogram.show(zeros);
    trail.mark(value, accuracy);
    histogram.describe(`Histogram of the weights of fc1, those that are zero marked. ${words}`);
    trail.describe(`Accuracy against threshold. ${words}`);
    line.say(words, at > 0);
    Object.assign(element.dataset, { at, right, kept: kept.join() });
  }, failed);
  const control = slider("threshold", 100, 0, at => fixed(at * top / 100, 3), move);
  const element = h("div", { class: "live-figure" },
    control.element, line.element, line.status,
    h("div", { class: "live-panels" }, histogram.element, trail.element),
    footnote(known));
  move(0);
  return element;
};
