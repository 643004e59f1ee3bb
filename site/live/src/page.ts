// Finds the places of live figures in a page, and brings each to life when the reader comes near.
import { besides } from "./client.ts";
import { h } from "./dom.ts";
import type { Figure } from "./figure.ts";
import { bound } from "./figures/bound.ts";
import { draw } from "./figures/draw.ts";
import { neurons } from "./figures/neurons.ts";
import { rounds } from "./figures/rounds.ts";
import { sparsity } from "./figures/sparsity.ts";
import { surgery } from "./figures/surgery.ts";
import { threshold } from "./figures/threshold.ts";

const FIGURES: Record<string, Figure> = {
  bound, draw, neurons, rounds, sparsity, surgery, threshold };
const NAMES: Record<string, string> = { // read aloud where a reader enters the figure
  bound: "Drop bound, live", draw: "Draw your own digit", neurons: "Neurons removed, live",
  rounds: "Han's rounds, live", sparsity: "Sparsity of the whole network, live",
  surgery: "Sparsity, four ways, live", threshold: "Threshold of one layer, live" };
const NEEDED = ["IntersectionObserver", "ResizeObserver", "Worker", "DecompressionStream"];

/** Put a sentence where the live figure would be; what stands there already stays below it. */
function say(place: HTMLElement, words: string): void {
  place.querySelector(".live-figure")?.remove();
  place.querySelector(".live-sorry")?.remove();
  place.prepend(h("p", { class: "live-sorry", role: "status" }, words));
}

function stylesheet(): Promise<unknown> {
  const link = h("link", { rel: "stylesheet", href: besides("live.css") });
  return new Promise(resolve => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}

async function bring(place: HTMLElement, figure: Figure, style: Promise<unknown>): Promise<void> {
  const failed = (error: unknown) => say(place, `The live figure stops here: `
    + `${error instanceof Error ? error.message : String(error)}.`);
  try {
    place.setAttribute("aria-busy", "true");
    await style;
    const element = await figure(place, failed);
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", NAMES[place.dataset.live!]);
    place.replaceChildren(element);
    place.dataset.ready = "";
  } catch (error) {
    failed(error);
  }
  place.removeAttribute("aria-busy");
}

function start(): void {
  const places = [...document.querySelectorAll<HTMLElement>("div.live[data-live]")]
    .filter(place => place.dataset.live! in FIGURES);
  if (!places.length) return;
  const style = stylesheet();
  const missing = NEEDED.filter(name => !(name in window));
  if (missing.length) {
    places.forEach(place => say(place, `A live figure stands here in newer browsers; this one has `
      + `no ${missing.join(", no ")}.`));
    return;
  }
  const observer = new IntersectionObserver(entries => {
    for (const { target } of entries.filter(entry => entry.isIntersecting)) {
      observer.unobserve(target);
      const place = target as HTMLElement;
      void bring(place, FIGURES[place.dataset.live!], style);
    }
  }, { rootMargin: "400px" });
  places.forEach(place => observer.observe(place));
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
