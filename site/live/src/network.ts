// LeNet-300-100 in the worker: its weights, the digits, masks, forward passes.
import type { Machine } from "./machine.ts";
import { Parts, fromPlanes } from "./unpack.ts";

export const SIZES = [[784, 300], [300, 100], [100, 10]]; // inputs and units of each layer
export const NAMES = ["fc1", "fc2", "fc3"];
const ALL = 266_200, PIXELS = 784;

export const padded = (units: number) => Math.ceil(units / 4) * 4;

/** A layer's place in memory: input by input, units padded with zeros to a multiple of four. */
export interface Layer {
  inputs: number; units: number; width: number; w: number; bias: number;
  kept?: number; // how many of its weights are not zero, where that was counted
}

/** Images as sparse rows and, where `tiles` is not 0, also pixel by pixel, twenty images a tile. */
export interface Digits {
  n: number; ptr: number; idx: number; val: number; tiles: number; labels: Uint8Array;
}

const TILE = 20; // images

/** Lay out weights (units, inputs) input by input. */
export function turned(weight: ArrayLike<number>, inputs: number, units: number,
                       fill = 0): Float32Array {
  const width = padded(units), to = new Float32Array(inputs * width).fill(fill);
  for (let u = 0; u < units; u++) {
    for (let i = 0; i < inputs; i++) to[i * width + u] = weight[u * inputs + i];
  }
  return to;
}

export function putLayer(machine: Machine, weight: ArrayLike<number>, bias: Float32Array,
                         inputs: number, units: number): Layer {
  const all = new Float32Array(padded(units));
  all.set(bias);
  return { inputs, units, width: padded(units), bias: machine.put(all),
           w: machine.put(turned(weight, inputs, units)) };
}

/** Return weights and biases of the three layers from one array. */
export function split(parameters: Float32Array): { weight: Float32Array; bias: Float32Array }[] {
  let at = 0;
  const take = (n: number) => parameters.subarray(at, at += n);
  return SIZES.map(([inputs, units]) => ({ weight: take(inputs * units), bias: take(units) }));
}

export function unpackNetwork(bytes: Uint8Array) {
  if (bytes.length !== 4 * (ALL + 410)) throw new Error("the weights are not complete");
  return split(fromPlanes(bytes));
}

/** Rank all weights by magnitude, of equal ones the earlier first: across layers and within. */
export function ranks(weights: Float32Array[]): { global: Float32Array[]; layer: Float32Array[] } {
  const keys = new Float64Array(ALL), starts = [0];
  let k = 0;
  for (const weight of weights) {
    const bits = new Uint32Array(weight.slice().buffer); // of a float >= 0: in the same order
    for (const each of bits) { keys[k] = (each & 0x7fffffff) * 2 ** 19 + k; k++; }
    starts.push(k);
  }
  const [global, layer] = [0, 1].map(() => weights.map(weight => new Float32Array(weight.length)));
  const seen = weights.map(() => 0);
  keys.sort().forEach((key, rank) => {
    const place = key % 2 ** 19, l = place < starts[1] ? 0 : place < starts[2] ? 1 : 2;
    global[l][place - starts[l]] = rank;
    layer[l][place - starts[l]] = seen[l]++;
  });
  return { global, layer };
}

/** Put images into memory as sparse rows. */
export function putDigits(machine: Machine, bytes: Uint8Array
): { digits: Digits; pixels: Uint8Array } {
  const n = bytes.length / (PIXELS + 1), parts = new Parts(bytes);
  const pixels = parts.take(n * PIXELS), labels = parts.take(n);
  parts.end();
  const nonzero = pixels.reduce((count, pixel) => count + Number(pixel > 0), 0);
  const ptr = new Uint32Array(n + 1), idx = new Uint16Array(nonzero);
  const val = new Float32Array(nonzero), tiles = n % TILE ? 0 : machine.room(4 * n * PIXELS);
  const tiled = machine.floats(tiles, tiles && n * PIXELS);
  let k = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < PIXELS; j++) {
      const pixel = pixels[i * PIXELS + j];
      if (!pixel) continue;
      if (tiles) tiled[(Math.floor(i / TILE) * PIXELS + j) * TILE + i % TILE] = pixel / 255;
      idx[k] = j;
      val[k++] = pixel / 255;
    }
    ptr[i + 1] = k;
  }
  const digits = { n, labels, tiles, ptr: machine.put(ptr), idx: machine.put(idx),
                   val: machine.put(val) };
  return { digits, pixels };
}

interface Rows { ptr: number; idx: number; val: number; }

/** Below so many weights a first layer is read weight by weight: that is quicker then. */
const FEW = 40_000;

function roomForRows(machine: Machine, n: number, most: number): Rows {
  return { ptr: machine.room(4 * (n + 1)), idx: machine.room(2 * most + 2),
           val: machine.room(4 * most + 4) };
}

/** Room for what the layers pass on, for so many images. */
export class Reader {
  private readonly hidden: number;
  private readonly out: number;
  private readonly rows: Rows; // of what the layers pass on
  private readonly weights: Rows; // of a first layer with few weights

  constructor(private readonly machine: Machine, n: number) {
    this.hidden = machine.room(4 * n * 300);
    this.out = machine.room(4 * n * 12);
    this.rows = roomForRows(machine, n, n * 300);
    this.weights = roomForRows(machine, 300, FEW);
  }

  /** Send the first `n` images through; return the outputs, twelve numbers an image, ten of use. */
  forward(layers: Layer[], images: Digits, n = images.n): Float32Array {
    const { kernel } = this.machine, [first] = layers, last = layers.length - 1;
    const few = (first.kept ?? Infinity) <= FEW && images.tiles && n === images.n;
    if (few) this.byWeights(first, images);
    let { ptr, idx, val }: Rows = few ? this.rows : images;
    layers.forEach((layer, l) => {
      if (few && !l) return;
      kernel.layer(n, ptr, idx, val, layer.w, layer.bias, l === last ? this.out : this.hidden,
                   layer.width, Number(l < last), 0);
      if (l === last) return;
      ({ ptr, idx, val } = this.rows);
      this.begin(ptr);
      kernel.pack(n, this.hidden, 4, 4 * layer.width, layer.width, ptr, idx, val);
    });
    return this.machine.floats(this.out, n * 12);
  }

  /**
   * Send all images through a first layer weight by weight, a tile of images at a time: the same
   * sums in the same order, without the weights that are zero instead of the pixels that are.
   */
  private byWeights({ inputs, units, width, w, bias }: Layer, { n, tiles }: Digits): void {
    const { kernel } = this.machine, { weights, rows, hidden } = this;
    this.begin(weights.ptr);
    kernel.pack(units, w, 4 * width, 4, inputs, weights.ptr, weights.idx, weights.val);
    this.begin(rows.ptr);
    for (let i = 0; i < n; i += TILE) {
      kernel.layer(units, weights.ptr, weights.idx, weights.val, tiles + 4 * i * inputs, bias,
                   hidden, TILE, 1, 1);
      kernel.pack(TILE, hidden, 4 * TILE, 4, units, rows.ptr + 4 * i, rows.idx, rows.val);
    }
  }

  /** Let sparse rows begin at their first place. */
  private begin(ptr: number): void {
    new Uint32Array(this.machine.buffer, ptr, 1)[0] = 0;
  }

  /** Count the images whose largest output is their label's. */
  right(layers: Layer[], images: Digits): number {
    const outputs = this.forward(layers, images);
    let right = 0;
    for (let i = 0; i < images.n; i++) {
      right += Number(largest(outputs, 12 * i) === images.labels[i]);
    }
    return right;
  }
}

/** Return which of ten outputs is the largest; of equal ones the first. */
export function largest(outputs: ArrayLike<number>, from = 0): number {
  let best = 0;
  for (let j = 1; j < 10; j++) if (outputs[from + j] > outputs[from + best]) best = j;
  return best;
}
