// Charts in SVG, drawn anew at the width that they have, so that no letter is ever below 12 pixels.
import { h, s } from "./dom.ts";
import { thousands } from "./format.ts";

export interface Axis {
  from: number; to: number; ticks: number[]; label: string;
  words?: (tick: number) => string; log?: boolean;
}

export type Key = [string, SVGElement];

const RIGHT = 14, TOP = 12, BOTTOM = 44;

/** A titled panel that draws itself anew when its width or the page's theme changes. */
export abstract class Panel {
  readonly element: HTMLElement;
  protected width = 0;

  constructor(title: string, protected readonly canvas: SVGElement | HTMLElement, kind = "") {
    this.element = h("div", { class: `live-panel ${kind}` },
                     h("p", { class: "live-title" }, title), canvas);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    new ResizeObserver(() => {
      const width = Math.floor(this.element.clientWidth);
      if (width && width !== this.width) {
        this.width = width;
        this.draw();
      }
    }).observe(this.element);
    themes.add(() => this.draw());
  }

  describe(words: string): void {
    this.canvas.setAttribute("aria-label", words);
  }

  abstract draw(): void;
}

const themes = new Set<() => void>();
new MutationObserver(() => themes.forEach(draw => draw())).observe(
  document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

/** A chart with two axes. */
export abstract class Chart extends Panel {
  constructor(title: string, protected x: Axis, protected y: Axis,
              protected readonly height = 230, kind = "") {
    super(title, s("svg", { class: "live-chart" }), kind);
  }

  /** Room on the left for the longest number beside the axis, and for its name. */
  protected left = 0;

  protected readonly right = () => this.width - RIGHT;
  protected readonly bottom = () => this.height - BOTTOM;
  protected readonly px = (x: number) => along(this.x, x, this.left, this.right());
  protected readonly py = (y: number) => along(this.y, y, this.bottom(), TOP);

  draw(): void {
    if (!this.width) return;
    const { canvas, width, height } = this, { ticks, words = String } = this.y;
    this.left = 30 + 7.5 * Math.max(1, ...ticks.map(tick => words(tick).length));
    canvas.setAttribute("width", String(width));
    canvas.setAttribute("height", String(height));
    canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    canvas.replaceChildren(...this.frame(), ...this.marks());
  }

  protected abstract marks(): SVGElement[];

  /** What the marks mean, at the lower left, where no accuracy of few weights gone ever is. */
  protected keys(rows: Key[]): SVGElement[] {
    return rows.map(([words, mark], k) => s("g", {
      transform: `translate(0 ${this.bottom() - 14 - 17 * (rows.length - 1 - k)})` },
      mark, text(words, this.left + 32, 4, "start")));
  }

  private frame(): SVGElement[] {
    const { x, y, left } = this, bottom = this.bottom(), right = this.right();
    const middle = (TOP + bottom) / 2;
    return [
      ...y.ticks.map(tick => s("line", { class: "live-grid", x1: left, x2: right,
                                         y1: this.py(tick), y2: this.py(tick) })),
      ...y.ticks.map(tick => text(y.words?.(tick) ?? String(tick), left - 6, this.py(tick) + 4,
                                  "end")),
      ...x.ticks.map(tick => text(x.words?.(tick) ?? String(tick), this.px(tick), bottom + 17)),
      s("path", { class: "live-axis", d: `M${left} ${TOP}V${bottom}H${right}` }),
      text(x.label, (left + right) / 2, bottom + 36),
      s("text", { "text-anchor": "middle", transform: `translate(13 ${middle}) rotate(-90)` },
        y.label),
    ];
  }
}

function along(axis: Axis, value: number, low: number, high: number): number {
  const f = axis.log ? (v: number) => Math.log10(Math.max(v, axis.from)) : (v: number) => v;
  const share = (f(value) - f(axis.from)) / (f(axis.to) - f(axis.from));
  return Math.round(10 * (low + (high - low) * share)) / 10;
}

export function text(words: string, x: number, y: number, anchor = "middle"): SVGElement {
  return s("text", { x, y, "text-anchor": anchor }, words);
}

export const MARKS = {
  circle: (x: number, y: number, r: number) =>
    `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  square: (x: number, y: number, r: number) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  diamond: (x: number, y: number, r: number) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`,
  triangle: (x: number, y: number, r: number) => `M${x} ${y - r}l${r} ${1.8 * r}h${-2 * r}z`,
};

/** Accuracy against what a slider sets: the positions visited so far, and where it is now. */
export class Trail extends Chart {
  private readonly seen: Record<string, Map<number, number>> = {};
  private here: [string, number] = ["", 0];

  constructor(title: string, x: Axis, private readonly unpruned: number,
              private readonly names: string[] = [""], { height = 230, kind = "" } = {}) {
    super(title, x, { from: 0, to: 104, ticks: [0, 25, 50, 75, 100], label: "accuracy (%)" },
          height, kind);
    for (const name of names) this.seen[name] = new Map();
  }

  mark(value: number, accuracy: number, name = ""): void {
    this.seen[name].set(value, accuracy);
    this.here = [name, value];
    this.draw();
  }

  protected marks(): SVGElement[] {
    const level = this.py(this.unpruned), [name, value] = this.here;
    const at = this.seen[name]?.get(value);
    const lines = this.names.flatMap((each, place) => this.line(each, place));
    const here = at === undefined ? [] : [s("path", { class: "live-here",
      d: MARKS.diamond(this.px(value), this.py(at), 7) })];
    return [s("line", { class: "live-level", x1: this.left, x2: this.right(), y1: level,
                        y2: level }),
            ...this.behind(), ...lines, ...here, ...this.keys(this.legend())];
  }

  /** What a figure adds behind the lines. */
  protected behind(): SVGElement[] {
    return [];
  }

  private line(name: string, place: number): SVGElement[] {
    const points = [...this.seen[name]].sort(([a], [b]) => a - b)
      .map(([x, y]) => [this.px(x), this.py(y)]);
    const dot = place ? MARKS.square : MARKS.circle;
    return [s("path", { class: `live-line-${place}`, d: points.map(
              ([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join("") }),
            s("path", { class: `live-dots-${place}`,
                        d: points.map(([x, y]) => dot(x, y, 2.6)).join("") })];
  }

  protected legend(): Key[] {
    const left = this.left + 8;
    const level = { class: "live-level", x1: left, x2: left + 18, y1: 0, y2: 0 };
    const names = this.names.length > 1 ? this.names : [];
    return [["unpruned", s("line", level)], ...names.map((words, place): Key => [
      words, s("path", { class: `live-dots-${place}`,
                         d: (place ? MARKS.square : MARKS.circle)(left + 9, 0, 4) })])];
  }
}

/** How many weights have which value, those that are zero marked. */
export class Histogram extends Chart {
  constructor(title: string, label: string, private counts: number[], reach: number,
              private zeros: number[] = counts.map(() => 0), private readonly key = true) {
    const top = Math.max(...counts), tick = niceTick(reach);
    super(title, { from: -reach, to: reach, ticks: [-tick, 0, tick], label, words: signed },
          { from: 0.5, to: 2 * top, log: true, label: "number of weights",
            ticks: [1, 10, 100, 1000, 10_000, 100_000].filter(t => t < 2 * top),
            words: thousands });
  }

  show(zeros: number[], counts = this.counts): void {
    this.zeros = zeros;
    this.counts = counts;
    this.draw();
  }

  protected marks(): SVGElement[] {
    const bars = (values: number[]) => values.map((n, k) => {
      if (!n) return "";
      const { from, to } = this.x, wide = (to - from) / values.length;
      const [x1, x2] = [this.px(from + k * wide), this.px(from + (k + 1) * wide)];
      return `M${x1} ${this.bottom()}V${this.py(n)}H${x2}V${this.bottom()}z`;
    }).join("");
    const key = [["live-kept", "kept"], ["live-zero", "zero"]].map(([kind, words], k) => s("g", {
      transform: `translate(${this.right() - 50} ${TOP + 4 + 17 * k})` },
      s("rect", { class: kind, width: 12, height: 10, y: -5 }), text(words, 18, 4, "start")));
    return [s("path", { class: "live-kept", d: bars(this.counts) }),
            s("path", { class: "live-zero", d: bars(this.zeros) }), ...(this.key ? key : [])];
  }
}

const signed = (x: number) => x < 0 ? `−${-x}` : String(x);

/** Return a round number not far below 0.8 of the reach. */
function niceTick(reach: number): number {
  return [0.05, 0.1, 0.2, 0.5, 1, 2].filter(tick => tick <= 0.85 * reach).pop() ?? reach;
}

export interface Bar { name: string; value: number; of: number; words: string; kind?: string; }

/** Bars beside pale ones for the whole, names above them. */
export class Bars extends Panel {
  private bars: Bar[] = [];

  constructor(title: string, kind = "") {
    super(title, s("svg", { class: "live-chart" }), kind);
  }

  show(bars: Bar[]): void {
    this.bars = bars;
    this.describe(bars.map(({ name, words }) => `${name}: ${words}`).join(". "));
    this.draw();
  }

  draw(): void {
    const { canvas, width, bars } = this, each = 46;
    if (!width) return;
    canvas.setAttribute("width", String(width));
    canvas.setAttribute("height", String(each * bars.length + 4));
    canvas.replaceChildren(...bars.flatMap(({ name, value, of, words, kind }, k) => {
      const y = each * k + 22, full = width - 2, long = Math.max(0, Math.min(1, value / of)) * full;
      return [text(name, 0, y - 6, "start"), text(words, full, y - 6, "end"),
              s("rect", { class: "live-whole", x: 0, y, width: full, height: 14 }),
              s("rect", { class: kind ?? "live-kept", x: 0, y, width: long, height: 14 })];
    }));
  }
}
