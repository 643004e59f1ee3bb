// Pictures of pixels on a canvas: what each pixel keeps, a mask, an image.
import { h, s } from "./dom.ts";
import { Panel, text } from "./plot.ts";

const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74",
                 "#c3b369", "#e1cc55", "#fee838"].map(rgb);

function rgb(hex: string): number[] {
  return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
}

/** Return red, green and blue of a share from 0 to 1. */
export function cividis(share: number): number[] {
  const at = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const below = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return CIVIDIS[below].map((x, k) => x + (at - below) * (CIVIDIS[below + 1][k] - x));
}

/** Paint a canvas pixel by pixel. */
export function paint(canvas: HTMLCanvasElement, width: number, height: number,
                      colour: (k: number) => number[]): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!, image = context.createImageData(width, height);
  for (let k = 0; k < width * height; k++) {
    const [red, green, blue, alpha = 255] = colour(k);
    image.data.set([red, green, blue, alpha], 4 * k);
  }
  context.putImageData(image, 0, 0);
}

/** Return a CSS variable that holds a colour, as red, green, blue. */
export function themed(element: Element, name: string): number[] {
  return rgb(getComputedStyle(element).getPropertyValue(name).trim());
}

const uneven = (share: number) => Math.cbrt(share); // few are left where it gets interesting
const TICKS: [number, string][] = [[0, "0"], [0.02, "2 %"], [0.1, "10 %"], [0.3, "30 %"],
                                   [1, "100 %"]];

/** The share of its weights that each pixel keeps, with the scale of its colours. */
export class PixelMap extends Panel {
  private readonly map = h("canvas", { class: "live-pixels" });
  private readonly scale = s("svg", { class: "live-scale", width: 70, height: 230 });
  private shares: number[] = new Array<number>(784).fill(1);

  constructor(title: string) {
    super(title, h("div", { class: "live-map" }));
    this.canvas.append(this.map, this.scale);
  }

  show(shares: number[], words: string): void {
    this.shares = shares;
    this.describe(words);
    this.draw();
  }

  draw(): void {
    paint(this.map, 28, 28, k => cividis(uneven(this.shares[k])));
    const y = (share: number) => 214 - 198 * uneven(share);
    const steps = [...Array(66).keys()].map(k => s("rect", {
      x: 0, y: 214 - 3 * (k + 1), width: 14, height: 3.3,
      fill: `rgb(${cividis((k + 0.5) / 66).map(Math.round).join()})` }));
    this.scale.replaceChildren(...steps, ...TICKS.map(
      ([share, words]) => text(words, 20, y(share) + 4, "start")));
  }
}
