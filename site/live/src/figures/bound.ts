// Lesson 06: a drop bound over the trials of the long run. Data only, no network runs.
import { file } from "../client.ts";
import { Line, choice, h, s, slider } from "../dom.ts";
import { fixed, thousands } from "../format.ts";
import type { Figure } from "../figure.ts";
import { Bars, Chart, MARKS } from "../plot.ts";

type Row = [string, string, boolean, number, number, number, number]; // as in "fields"
interface Data { images: number; fields: string[]; trials: Record<string, Record<string, Row[]>>; }
interface Trial { nonzero: number; bytes: number; value: number; low: number; high: number; }

const Z = 1.959963984540054; // norm.ppf(0.975)

/** The paired drop in points with its 95 % interval (Bonett and Price 2012), as in the library. */
export function drop(lost: number, gained: number, images: number) {
  const worse = (lost + 1) / (images + 2), better = (gained + 1) / (images + 2);
  const reach = Z * Math.sqrt((worse + better - (worse - better) ** 2) / (images + 2));
  return { value: (lost - gained) / images, low: Math.max(-1, worse - better - reach),
           high: Math.min(1, worse - better + reach) };
}

class Trials extends Chart {
  private trials: Trial[] = [];
  private all: number[] = []; // ticks
  private points = 0;
  private best: Trial | null = null;

  constructor() {
    super("Each trial: what it costs on validation, and how many weights it leaves",
          { from: 1, to: 2, ticks: [], label: "weights left", log: true, words: thousands },
          { from: -1, to: 6, ticks: [0, 1, 2, 3, 4, 5], label: "drop (points)" }, 260, "live-wide");
  }

  show(trials: Trial[], points: number, best: Trial | null): void {
    [this.trials, this.points, this.best] = [trials, points, best];
    const left = trials.map(trial => trial.nonzero);
    const [from, to] = [Math.min(...left) / 1.3, Math.max(...left) * 1.3];
    const ticks = [1, 2, 5].flatMap(n => [1, 10, 100, 1e3, 1e4, 1e5].map(ten => n * ten))
      .filter(tick => tick > from && tick < to).sort((a, b) => a - b);
    this.x = { ...this.x, from, to };
    this.all = ticks;
    this.draw();
  }

  override draw(): void {
    const every = Math.ceil(this.all.length / (this.width < 420 ? 4 : 9));
    this.x = { ...this.x, ticks: this.all.filter((_, k) => k % every === 0) };
    super.draw();
  }

  protected marks(): SVGElement[] {
    const y = (share: number) => this.py(Math.min(5.9, Math.max(-0.9, 100 * share)));
    const at = (trial: Trial) => [this.px(trial.nonzero), y(trial.value)] as const;
    const fits = (trial: Trial) => 100 * trial.value <= this.points;
    const dots = (which: Trial[], mark = MARKS.circle) => which.map(
      trial => mark(...at(trial), 4.5)).join("");
    const level = this.py(this.points);
    return [
      s("path", { class: "live-spans", d: this.trials.filter(({ low }) => low < 0.059).map(trial =>
        `M${this.px(trial.nonzero)} ${y(trial.low)}V${y(trial.high)}`).join("") }),
      s("path", { class: "live-fits", d: dots(this.trials.filter(fits)) }),
      s("path", { class: "live-beyond",
                  d: dots(this.trials.filter(trial => !fits(trial))) }),
      s("line", { class: "live-bound", x1: this.left, x2: this.right(), y1: level, y2: level }),
      ...(this.best ? [s("path", { class: "live-ring",
                                   d: MARKS.circle(...at(this.best), 9) })] : []),
    ];
  }
}

const NETWORKS = ["lenet_300_100", "lenet_5", "alexnet_mini", "vgg_mini"];
const KINDS = { weight: "weights", neuron: "neurons", filter: "filters" };
const RETRAINED = { yes: "retrained after each step", no: "not retrained" };

export const bound: Figure = async () => {
  const { images, trials } = await file("bound") as Data;
  const chart = new Trials(), line = new Line(), bars = new Bars("The chosen network", "live-wide");
  const names = NETWORKS.filter(name => trials[name]);
  const networks = Object.fromEntries(names.map(name => [name, name]));
  const asked = { network: names[0], kind: "weight", retrained: "yes", seed: "0" };
  const trialOf = ([, , , nonzero, bytes, lost, gained]: Row): Trial => (
    { nonzero, bytes, ...drop(lost, gained, images) });
  const move = () => {
    const points = control.input.valueAsNumber / 20, rows = trials[asked.network][asked.seed];
    const whole = trialOf(rows[0]), found = rows.filter(([kind, , retrained]) => (
      kind === asked.kind && retrained === (asked.retrained === "yes"))).map(trialOf);
    const best = smallestWithin(found, points / 100), head = `bound ${fixed(points, 2)} points:`;
    const kilo = (trial: Trial) => fixed(trial.bytes / 1000, 0);
    const [value, low, high] = (best ? [best.value, best.low, best.high] : []).map(
      share => fixed(100 * share, 2));
    const words = best ? `${head} ${thousands(best.nonzero)} weights left, a file of ${kilo(best)} `
        + `kB instead of ${kilo(whole)}, drop on validation ${value} [${low}, ${high}] points.`
      : found.length ? `${head} no trial fits, the original stays.`
      : `${asked.network} has no ${asked.kind}s.`;
    chart.show(found.length ? found : [whole], points, best);
    chart.describe(`${found.length} trials, drop on validation against weights left, with the `
      + `bound as a line and the chosen network ringed. ${words}`);
    const now = best ?? whole;
    bars.show([
      { name: "weights left", value: now.nonzero, of: whole.nonzero,
        words: `${thousands(now.nonzero)} of ${thousands(whole.nonzero)}` },
      { name: "file", value: now.bytes, of: whole.bytes,
        words: `${kilo(now)} kB of ${kilo(whole)}` }]);
    line.say(words);
    Object.assign(element.dataset, { at: control.input.value, nonzero: now.nonzero });
  };
  const pick = (field: keyof typeof asked) => (value: string) => {
    asked[field] = value;
    move();
  };
  const control = slider("bound", 100, 10, at => `${fixed(at / 20, 2)} points`, move);
  const seeds = Object.fromEntries(Object.keys(trials[asked.network]).map(seed => [seed, seed]));
  const element = h("div", { class: "live-figure" },
    control.element,
    choice("Network", networks, asked.network, pick("network")),
    choice("What goes", KINDS, asked.kind as keyof typeof KINDS, pick("kind")),
    choice("After each step", RETRAINED, "yes", pick("retrained")),
    choice("Seed", seeds, asked.seed, pick("seed")),
    line.element, line.status,
    h("div", { class: "live-panels" }, chart.element, bars.element),
    h("p", { class: "live-note" }, `Trials of the long run (course experiments tradeoff), both `
      + `ways of sharing out what goes, read on ${thousands(images)} digits of the validation split, `
      + `never on test. Filled: within the bound; ringed: the smallest of these. Those that drop `
      + `more than the axis reaches stand at its end. The notebook also draws the chosen network, a `
      + `square for each layer.`));
  move();
  return element;
};

/** Return the smallest trial that drops at most the bound; of equal ones the first. */
export function smallestWithin(trials: Trial[], most: number): Trial | null {
  return trials.reduce<Trial | null>((best, trial) => (
    trial.value <= most && (!best || trial.nonzero < best.nonzero) ? trial : best), null);
}
