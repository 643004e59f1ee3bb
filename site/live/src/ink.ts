// From strokes to the 784 numbers that the network reads, centred as MNIST's digits are.

export type Point = [number, number];
export type Stroke = Point[];

const SIDE = 28, BOX = 20, PEN = 1.15; // pixels; MNIST's pens are two to three wide

/** Scale the strokes so that their ink fills a box of 20 x 20, keeping their proportions. */
function boxed(strokes: Stroke[]): Stroke[] {
  const points = strokes.flat(), [xs, ys] = [0, 1].map(k => points.map(point => point[k]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys),
                                      Math.max(...ys)];
  const size = Math.max(right - left, bottom - top);
  const scale = size > 0 ? (BOX - 2 * PEN) / size : 1;
  return strokes.map(stroke => stroke.map(([x, y]) => [
    SIDE / 2 + scale * (x - (left + right) / 2), SIDE / 2 + scale * (y - (top + bottom) / 2)]));
}

/** Return the ink of each pixel, from 0 to 1, of strokes in units of pixels. */
function inked(strokes: Stroke[]): Float32Array {
  const pixels = new Float32Array(SIDE * SIDE);
  for (const stroke of strokes) {
    const ends = stroke.length > 1 ? stroke.slice(1) : stroke;
    ends.forEach((to, k) => {
      const from = stroke[k];
      for (let row = 0; row < SIDE; row++) {
        for (let column = 0; column < SIDE; column++) {
          const away = distance([column + 0.5, row + 0.5], from, to);
          const ink = Math.min(1, Math.max(0, PEN + 0.5 - away)), at = SIDE * row + column;
          if (ink > pixels[at]) pixels[at] = ink;
        }
      }
    });
  }
  return pixels;
}

function distance([x, y]: Point, [x1, y1]: Point, [x2, y2]: Point): number {
  const [dx, dy] = [x2 - x1, y2 - y1], long = dx * dx + dy * dy;
  const along = long ? Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / long)) : 0;
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
}

/** Return how far the centre of mass is from the middle of the 28 x 28 pixels. */
export function offCentre(pixels: ArrayLike<number>): Point {
  let [mass, x, y] = [0, 0, 0];
  for (let at = 0; at < SIDE * SIDE; at++) {
    mass += pixels[at];
    x += pixels[at] * (at % SIDE + 0.5);
    y += pixels[at] * (Math.floor(at / SIDE) + 0.5);
  }
  return mass ? [x / mass - SIDE / 2, y / mass - SIDE / 2] : [0, 0];
}

/** Return what the network reads: strokes in a box of 20 x 20, its centre of mass in the middle. */
export function centred(strokes: Stroke[]): Float32Array {
  const fitted = boxed(strokes), [x, y] = offCentre(inked(fitted));
  return inked(fitted.map(stroke => stroke.map(([a, b]): Point => [a - x, b - y])));
}
