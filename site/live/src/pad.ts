// A square to draw in: by mouse, finger, pen, or with the arrow keys.
import { h } from "./dom.ts";
import type { Point, Stroke } from "./ink.ts";
import { themed } from "./pixels.ts";

const SIDE = 280, STEP = 8;
const ARROWS: Record<string, Point> = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0],
                                        ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

export class Pad {
  readonly element = h("canvas", { class: "live-canvas", tabindex: "0", role: "application",
    "aria-label": "Drawing area. Arrow keys move the pen, the space bar lowers or lifts it.",
    width: String(SIDE), height: String(SIDE) });
  private strokes: Stroke[] = [];
  private stored: Float32Array | null = null;
  private pen: Point = [SIDE / 2, SIDE / 4];
  private down = false;
  private keys = false;
  private frame = 0;

  constructor(private readonly changed: (strokes: Stroke[]) => void) {
    const canvas = this.element;
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      this.keys = false;
      this.begin(this.at(event));
    });
    canvas.addEventListener("pointermove", event => {
      if (!this.down || this.keys) return;
      const all = event.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [event]) this.extend(this.at(each));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => { if (!this.keys) this.down = false; });
    }
    canvas.addEventListener("keydown", event => this.key(event));
    canvas.addEventListener("blur", () => { this.down = this.keys = false; this.draw(); });
    new MutationObserver(() => this.draw()).observe(
      document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  clear(): void {
    this.strokes = [];
    this.stored = null;
    this.down = false;
    this.draw();
    this.changed([]);
  }

  /** Show a stored image instead of strokes. */
  image(pixels: Float32Array): void {
    this.strokes = [];
    this.stored = pixels;
    this.draw();
  }

  private at(event: PointerEvent): Point {
    const box = this.element.getBoundingClientRect();
    return [SIDE * (event.clientX - box.left) / box.width,
            SIDE * (event.clientY - box.top) / box.height];
  }

  private begin(point: Point): void {
    this.stored = null;
    this.down = true;
    this.strokes.push([point]);
    this.soon();
  }

  private extend(point: Point): void {
    const stroke = this.strokes[this.strokes.length - 1], last = stroke[stroke.length - 1];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) < 2) return;
    stroke.push(point);
    this.soon();
  }

  private key(event: KeyboardEvent): void {
    const by = ARROWS[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    this.keys = true;
    if (!by) {
      this.down = !this.down;
      if (this.down) this.begin([...this.pen]);
    } else {
      this.pen = this.pen.map((x, k) => Math.min(SIDE - 10, Math.max(10, x + by[k]))) as Point;
      if (this.down) this.extend([...this.pen]);
    }
    this.draw();
  }

  /** Draw and read once a frame at most. */
  private soon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.draw();
      this.changed(this.strokes);
    });
  }

  private draw(): void {
    const context = this.element.getContext("2d")!, ink = themed(this.element, "--live-ink");
    context.clearRect(0, 0, SIDE, SIDE);
    context.fillStyle = context.strokeStyle = `rgb(${ink.join()})`;
    this.stored?.forEach((pixel, k) => {
      context.globalAlpha = pixel;
      if (pixel) context.fillRect(10 * (k % 28), 10 * Math.floor(k / 28), 10, 10);
    });
    context.globalAlpha = 1;
    Object.assign(context, { lineWidth: 18, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const point of stroke) context.lineTo(...point);
      context.stroke();
    }
    if (!this.keys) return;
    context.fillStyle = this.down ? "#D55E00" : "#0072B2";
    context.beginPath();
    context.arc(...this.pen, 7, 0, 7);
    context.fill();
  }
}
