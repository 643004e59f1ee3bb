// Small helpers: elements, controls, a line that is also announced.
import { thousands } from "./format.ts";
import type { Described } from "./messages.ts";

type Child = Node | string;
const SVG = "http://www.w3.org/2000/svg";
let ids = 0;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function s(tag: string, attributes: Record<string, string | number> = {},
                  ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export interface Slider { element: HTMLElement; input: HTMLInputElement; show(text: string): void; }

/** A range with a label, buttons for one step back and on, and its value in words. */
export function slider(label: string, most: number, value: number, words: (at: number) => string,
                       moved: (at: number) => void, least = 0): Slider {
  const id = `live-${++ids}`, readout = h("span", { class: "live-value", "aria-hidden": "true" });
  const input = h("input", { type: "range", id, min: String(least), max: String(most), step: "1",
                             value: String(value) });
  const show = (text: string) => {
    readout.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const set = () => {
    show(words(input.valueAsNumber));
    moved(input.valueAsNumber);
  };
  input.addEventListener("input", set);
  show(words(value));
  const element = h("div", { class: "live-slider" },
                    h("label", { for: id }, label), readout, input);
  return { element, input, show };
}

/** A group of choices of which one holds. */
export function choice<T extends string>(legend: string, options: Record<T, string>, value: T,
                                         chosen: (value: T) => void): HTMLFieldSetElement {
  const name = `live-${++ids}`, group = h("fieldset", { class: "live-choice" },
                                          h("legend", {}, legend));
  for (const [key, words] of Object.entries(options) as [T, string][]) {
    const input = h("input", { type: "radio", name, value: key });
    input.checked = key === value;
    input.addEventListener("change", () => chosen(key));
    group.append(h("label", {}, input, ` ${words}`));
  }
  return group;
}

export function button(words: string, pressed: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", class: "live-button" }, words);
  element.addEventListener("click", pressed);
  return element;
}

/** The line of text: seen at once, announced once the hand rests. */
export class Line {
  readonly element = h("p", { class: "live-line" });
  readonly status = h("p", { class: "live-hidden", role: "status", "aria-live": "polite" });
  private timer = 0;

  say(text: string, announce = true): void {
    this.element.textContent = text.replace(/ %/g, "\u00a0%");
    clearTimeout(this.timer);
    if (announce) this.timer = setTimeout(() => { this.status.textContent = text; }, 600);
  }
}

/** Do the latest of many requests: while one is under way, only the last that came waits. */
export function latest<T>(work: (value: T) => Promise<void>, failed: (error: unknown) => void
): (value: T) => void {
  let busy = false, next: { value: T } | null = null;
  const run = async (value: T) => {
    busy = true;
    try {
      await work(value);
    } catch (error) {
      failed(error);
    }
    busy = false;
    if (next) {
      const { value: then } = next;
      next = null;
      void run(then);
    }
  };
  return value => {
    if (busy) next = { value };
    else void run(value);
  };
}

/** Call back once nothing has come for a moment. */
export function atRest(action: () => void, milliseconds = 400): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

const SLOW = "This browser lacks WebAssembly with SIMD, so a step takes ten times as long.";

/** What every figure ends with. */
export function footnote({ images, simd }: Described, more = ""): HTMLElement {
  return h("p", { class: "live-note" }, `LeNet-300-100 with its 266,200 weights runs in your `
    + `browser: at each step it reads ${thousands(images)} digits of the validation split anew. `
    + `Nothing is sent anywhere.${more}${simd ? "" : ` ${SLOW}`}`);
}
