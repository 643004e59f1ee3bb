// Lesson 05: Han's rounds from stored masks, cut and retrained in turn, and the 28 bands.
import { network } from "../client.ts";
import { Line, button, footnote, h, s, slider } from "../dom.ts";
import { fixed } from "../format.ts";
import type { Figure } from "../figure.ts";
import type { Rounded } from "../messages.ts";
import { paint, themed } from "../pixels.ts";
import { Chart, Histogram, MARKS, Panel, text } from "../plot.ts";

const ALL = 266_200;
const nameOf = (state: number) => state === 0 ? "as trained"
  : `round ${Math.ceil(state / 2)}, ${state % 2 ? "cut" : "retrained"}`;

/** Accuracy falls with each cut, retraining brings it back; what lies ahead is not shown. */
class Sawtooth extends Chart {
  private far = 0;
  private at = 0;

  constructor(private readonly accuracies: number[]) {
    const low = Math.floor(2 * Math.min(...accuracies) - 1) / 2, high = Math.max(...accuracies);
    const ticks = [...Array(20).keys()].map(k => low + k * (high - low > 3 ? 1 : 0.5));
    super("Accuracy, cut by cut", { from: 0, to: accuracies.length - 1,
      ticks: [...accuracies.keys()].filter(k => k && k % 2 === 0), words: k => String(k / 2),
      label: "round" },
      { from: low, to: high + 0.3, label: "accuracy (%)", ticks: ticks.filter(t => t <= high + 0.3),
        words: tick => tick.toFixed(1) }, 230);
  }

  move(state: number): void {
    this.at = state;
    this.far = Math.max(this.far, state);
    this.draw();
  }

  protected marks(): SVGElement[] {
    const seen = this.accuracies.slice(0, this.far + 1).map((y, k) => [this.px(k), this.py(y)]);
    const [x, y] = seen[this.at];
    const dots = (cut: number) => seen.map(([a, b], k) => k % 2 !== cut ? ""
      : (cut ? MARKS.square : MARKS.circle)(a, b, 3.2)).join("");
    return [s("path", { class: "live-line-0",
                        d: seen.map(([a, b], k) => `${k ? "L" : "M"}${a} ${b}`).join("") }),
            s("path", { class: "live-dots-0", d: dots(0) }),
            s("path", { class: "live-dots-1", d: dots(1) }),
            s("path", { class: "live-here", d: MARKS.diamond(x, y, 7) }),
            ...this.keys([["after a cut", s("path", { class: "live-dots-1",
                                                      d: MARKS.square(this.left + 17, 0, 4) })],
                          ["retrained", s("path", { class: "live-dots-0",
                                                    d: MARKS.circle(this.left + 17, 0, 4) })]])];
  }
}

/** The mask of fc1 as dots, 300 rows of 784, and below it how many weights each input keeps. */
class Bands extends Panel {
  private readonly dots = h("canvas", { class: "live-mask" });
  private readonly sums = s("svg", { class: "live-chart", height: 132 });
  private now: Rounded | null = null;

  constructor() {
    super("The mask of fc1: a row for each of the 300 neurons, a column for each of the 784 inputs",
          h("div", { class: "live-bands" }), "live-wide");
    this.canvas.append(this.dots, this.sums);
  }

  show(now: Rounded, words: string): void {
    this.now = now;
    const empty = now.pixels.filter(n => !n).length;
    this.describe(`The mask of the first layer, a dot for each weight that is kept, and a line of `
      + `how many each input keeps. ${empty} of 784 inputs keep none. ${words}`);
    this.draw();
  }

  draw(): void {
    const { now, width } = this;
    if (!now || !width) return;
    const ink = themed(this.element, "--live-ink");
    const block = Math.max(1, Math.round(784 / width)), across = Math.ceil(784 / block);
    const dots = new Float32Array(across * Math.ceil(300 / block));
    now.mask.forEach((kept, k) => {
      dots[Math.floor(k / 784 / block) * across + Math.floor(k % 784 / block)] += kept;
    });
    paint(this.dots, across, dots.length / across,
          k => [...ink, 255 * Math.sqrt(dots[k] / block ** 2)]);
    const x = (input: number) => Math.round(10 * input * width / 784) / 10;
    const most = Math.max(...now.pixels), top = [10, 20, 50, 100, 300].find(n => n >= most)!;
    const y = (kept: number) => 92 - 84 * kept / top;
    const ticks = (width < 500 ? [0, 196, 392, 588] : [0, 112, 224, 336, 448, 560, 672]);
    this.sums.setAttribute("width", String(width));
    this.sums.replaceChildren(
      s("path", { class: "live-axis", d: `M0 8V92H${width}` }),
      s("path", { class: "live-curve", d: now.pixels.map(
        (kept, input) => `${input ? "L" : "M"}${x(input)} ${y(kept)}`).join("") }),
      ...ticks.map(tick => text(String(tick), x(tick), 108, tick ? "middle" : "start")),
      text(`${top} weights kept`, 4, 6, "start"),
      text("input of fc1: 28 rows of 28 pixels", width / 2, 126));
  }
}

export const rounds: Figure = async () => {
  const client = await network("network", "digits", "rounds");
  const known = await client.ask("describe", {}), first = await client.ask("round", { state: 0 });
  const all = await Promise.all([...Array(first.states).keys()].map(
    state => client.ask("round", { state })));
  const accuracies = all.map(({ right }) => 100 * (right / known.images));
  const saw = new Sawtooth(accuracies), bands = new Bands(), line = new Line();
  const histogram = new Histogram("The weights of fc1 that are kept", "weight of fc1", first.counts,
                                  first.reach, undefined, false);
  const last = accuracies.length - 1;
  const move = (state: number) => {
    const now = all[state], left = now.kept.reduce((a, b) => a + b, 0);
    const before = state && state % 2 === 0 ? `${fixed(accuracies[state - 1], 1)} % → ` : "";
    const words = `${nameOf(state)}: ${fixed(ALL / left, 1)} times fewer weights, accuracy `
      + `${before}${fixed(accuracies[state], 1)} %.`;
    saw.move(state);
    saw.describe(`Accuracy against rounds, up and down, cut and retrained in turn. ${words}`);
    histogram.show([], now.counts);
    histogram.describe(`Histogram of the weights of fc1 that are kept. ${words}`);
    bands.show(now, words);
    line.say(words, state > 0);
    back.disabled = state === 0;
    on.disabled = state === last;
    on.textContent = state % 2 ? "Retrain" : "Cut";
    Object.assign(element.dataset, { at: state, right: now.right, kept: now.kept.join() });
  };
  const control = slider("step", last, 0, nameOf, move);
  const go = (by: number) => () => {
    control.input.valueAsNumber += by;
    control.input.dispatchEvent(new Event("input"));
  };
  const back = button("Back", go(-1)), on = button("Cut", go(1));
  const element = h("div", { class: "live-figure" },
    control.element, h("div", { class: "live-buttons" }, back, on), line.element, line.status,
    h("div", { class: "live-panels" }, saw.element, histogram.element, bands.element),
    footnote(known, " In the notebook this slider sets a threshold; here each step is a cut or a "
      + "retraining of Han's rounds. Their masks and weights are stored, rounded to 255 levels a "
      + "layer; the accuracies are read here."));
  move(0);
  return element;
};
