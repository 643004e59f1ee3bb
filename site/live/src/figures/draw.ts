// Draw a digit: the network reads it, and one sees at which sparsity it stops reading it.
import { network } from "../client.ts";
import { Line, button, h, latest, s, slider } from "../dom.ts";
import { fixed } from "../format.ts";
import type { Figure } from "../figure.ts";
import { centred, type Point, type Stroke } from "../ink.ts";
import { paint, themed } from "../pixels.ts";
import { Panel, text } from "../plot.ts";
import { Pad } from "../pad.ts";

/** Return the largest output's digit, and its share after softmax. */
export function reading(outputs: ArrayLike<number>): { digit: number; shares: number[] } {
  const ten = Array.from({ length: 10 }, (_, k) => outputs[k]), top = Math.max(...ten);
  const powers = ten.map(z => Math.exp(z - top)), sum = powers.reduce((a, b) => a + b, 0);
  return { digit: ten.indexOf(top), shares: powers.map(power => power / sum) };
}

/** What is read at each sparsity, as a strip: one block for each run of the same digit. */
class Strip extends Panel {
  private digits: number[] = [];
  private at = 0;

  constructor() {
    super("What it reads at each sparsity", s("svg", { class: "live-chart", height: 78 }),
          "live-wide");
  }

  show(digits: number[], at: number, words: string): void {
    [this.digits, this.at] = [digits, at];
    this.describe(words);
    this.draw();
  }

  draw(): void {
    const { digits, width, canvas } = this, x = (share: number) => 8 + share * (width - 16) / 100;
    if (!width) return;
    canvas.setAttribute("width", String(width));
    const blocks = runs(digits).flatMap(({ digit, from, to }) => [
      s("rect", { class: digit === digits[0] ? "live-same" : "live-other", x: x(from), y: 12,
                  width: Math.max(1, x(to) - x(from) - 1), height: 28 }),
      ...(x(to) - x(from) > 12 ? [s("text", { class: digit === digits[0] ? "live-on-same"
        : "live-on-other", x: (x(from) + x(to)) / 2, y: 31, "text-anchor": "middle" },
        String(digit))] : [])]);
    const ticks = [0, 25, 50, 75, 99].map(tick => text(`${tick} %`, Math.min(width - 16,
      Math.max(12, x(tick))), 58));
    const empty = s("rect", { class: "live-whole", x: 8, y: 12, width: width - 16, height: 28 });
    canvas.replaceChildren(...(blocks.length ? blocks : [empty]), ...ticks, text("sparsity", width / 2, 74),
      ...(digits.length ? [s("path", { class: "live-here",
        d: `M${x(this.at + 0.5)} 12l-6 -10h12z` })] : []));
  }
}

/** Return the runs of equal digits: from (included) to (left out). */
export function runs(digits: number[]): { digit: number; from: number; to: number }[] {
  const found: { digit: number; from: number; to: number }[] = [];
  digits.forEach((digit, k) => {
    const last = found[found.length - 1];
    if (last?.digit === digit) last.to = k + 1;
    else found.push({ digit, from: k, to: k + 1 });
  });
  return found;
}

/** Say from which sparsity on the digit is read no more, and whether it comes back. */
export function verdict(digits: number[]): string {
  const stop = digits.findIndex(digit => digit !== digits[0]);
  if (stop < 0) return `It reads ${digits[0]} at every sparsity up to 99 %.`;
  const [first] = digits, again = digits.slice(stop).includes(first);
  return `It reads ${first} up to a sparsity of ${stop - 1} %, and stops at ${stop} %, where it `
    + `reads ${digits[stop]}${again ? `, and further on ${first} at times` : ""}.`;
}

class Outputs extends Panel {
  private shares: number[] = new Array<number>(10).fill(0);

  constructor() {
    super("How sure it is of each digit", s("svg", { class: "live-chart", height: 206 }));
  }

  show(shares: number[], words: string): void {
    this.shares = shares;
    this.describe(words);
    this.draw();
  }

  draw(): void {
    const { canvas, width, shares } = this, best = shares.indexOf(Math.max(...shares));
    if (!width) return;
    canvas.setAttribute("width", String(width));
    canvas.replaceChildren(...shares.flatMap((share, digit) => {
      const y = 20 * digit + 4, full = width - 80;
      return [text(String(digit), 8, y + 12),
              s("rect", { class: "live-whole", x: 20, y, width: full, height: 14 }),
              s("rect", { class: digit === best && share ? "live-same" : "live-kept", x: 20, y,
                          width: full * share, height: 14 }),
              text(share ? `${fixed(100 * share, 1)} %` : "", full + 28, y + 12, "start")];
    }));
  }
}

const NOTE = "LeNet-300-100 with its 266,200 weights reads your digit in this browser, at a hundred "
  + "sparsities: the smallest weights of all layers go first. Your drawing is scaled and centred as "
  + "MNIST's digits are, and sent nowhere. By keyboard: arrow keys move the pen, the space bar lifts "
  + "or lowers it. MNIST by Y. LeCun and C. Cortes, CC BY-SA 3.0.";

export const draw: Figure = async (_, failed) => {
  const client = await network("network", "digits"), known = await client.ask("describe", {});
  const line = new Line(), strip = new Strip(), outputs = new Outputs();
  const seen = h("canvas", { class: "live-seen", role: "img",
                             "aria-label": "What the network gets: nothing yet" });
  let all: Float32Array | null = null, digits: number[] = [], pixels = new Float32Array(784);
  const show = (announce = true) => {
    const share = control.input.valueAsNumber;
    if (!all) {
      strip.show([], 0, "Nothing is read yet.");
      outputs.show(new Array<number>(10).fill(0), "Nothing is read yet.");
      line.say("Draw a digit, or take one from MNIST.", false);
      return;
    }
    const { digit, shares } = reading(all.subarray(10 * share, 10 * share + 10));
    const now = `sparsity ${share} %: it reads ${digit} (${fixed(100 * shares[digit], 1)} %).`;
    outputs.show(shares, `Bars for the ten digits. At ${now}`);
    strip.show(digits, share, verdict(digits));
    line.say(`${now} ${verdict(digits)}`, announce);
    Object.assign(element.dataset, { at: share, digit, digits: digits.join("") });
  };
  const read = latest(async (image: Float32Array<ArrayBuffer> | null) => {
    all = image && await client.ask("read", { pixels: image });
    pixels = image ?? new Float32Array(784);
    digits = all ? [...Array(100).keys()].map(k => reading(all!.subarray(10 * k)).digit) : [];
    element.dataset.pixels = [...pixels].map(x => Math.round(255 * x)).join();
    picture();
    show();
  }, failed);
  const picture = () => {
    const ink = themed(element, "--live-ink");
    paint(seen, 28, 28, k => [...ink, Math.round(255 * pixels[k])]);
    seen.setAttribute("aria-label", `What the network gets: ${
      all ? "the digit, centred, 28 by 28 pixels" : "nothing yet"}`);
  };
  const pad = new Pad((strokes: Stroke[]) => void read(
    strokes.flat().length > 1 ? centred(strokes) as Float32Array<ArrayBuffer> : null));
  const fromStore = latest(async () => {
    const place = Math.floor(Math.random() * known.images);
    const image = await client.ask("image", { place });
    pad.image(image.pixels);
    element.dataset.place = String(place);
    read(image.pixels as Float32Array<ArrayBuffer>);
  }, failed);
  const control = slider("sparsity", 99, 0, at => `${at} %`, () => show());
  const element = h("div", { class: "live-figure live-draw" },
    h("div", { class: "live-desk" },
      h("div", { class: "live-pad" }, h("p", { class: "live-title" }, "Draw a digit here"),
        pad.element,
        h("div", { class: "live-buttons" }, button("Clear", () => pad.clear()),
          button("A digit from MNIST", () => fromStore(undefined)))),
      h("div", { class: "live-gets" },
        h("p", { class: "live-title" }, "What the network gets"), seen),
      outputs.element),
    control.element, line.element, line.status, strip.element,
    h("p", { class: "live-note" }, NOTE));
  new MutationObserver(picture).observe(document.documentElement,
                                        { attributes: true, attributeFilter: ["data-theme"] });
  picture();
  show();
  return element;
};

export type { Point };
