// What the figures ask of the network: weights masked, neurons removed, one image read.
import type { Machine } from "./machine.ts";
import type { By, Described, Outputs, Removed, Step, Timed } from "./messages.ts";
import { NAMES, Reader, SIZES, padded, putDigits, putLayer, ranks, turned, unpackNetwork,
         type Digits, type Layer } from "./network.ts";

export const BINS = 80;

interface Scored extends Layer {
  to: number; // where the masked weights go
  score: Record<By, number>;
  values: Float32Array; // as laid out in memory, for counting
  bins: Record<"all" | "own", Uint8Array>;
}

const max = (values: Float32Array) => values.reduce((top, x) => Math.max(top, Math.abs(x)), 0);

/** Return the bin of a weight among 80 from -reach to reach. */
export function bin(weight: number, reach: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor((weight / reach + 1) / 2 * BINS)));
}

export function binned(values: ArrayLike<number>, reach: number): Uint8Array {
  return Uint8Array.from(values, weight => bin(weight, reach));
}

export class Pruning {
  readonly layers: Scored[];
  readonly reach: { all: number; fc1: number };
  private readonly parameters: { weight: Float32Array; bias: Float32Array }[];
  readonly digits: Digits;
  readonly pixels: Uint8Array;
  readonly reader: Reader;
  private readonly spare: Layer[]; // room for a network without some neurons
  private readonly one: { ptr: number; idx: number; val: number };

  constructor(readonly machine: Machine, network: Uint8Array, digits: Uint8Array) {
    this.parameters = unpackNetwork(network);
    ({ digits: this.digits, pixels: this.pixels } = putDigits(machine, digits));
    const weights = this.parameters.map(each => each.weight), rank = ranks(weights);
    this.reach = { all: Math.max(...weights.map(max)), fc1: max(weights[0]) };
    this.layers = this.parameters.map(({ weight, bias }, l) => {
      const [inputs, units] = SIZES[l], layer = putLayer(machine, weight, bias, inputs, units);
      const put = (values: Float32Array) => machine.put(turned(values, inputs, units, -1));
      const values = turned(weight, inputs, units);
      return { ...layer, values, to: machine.room(4 * values.length), score: {
        global: put(rank.global[l]), layer: put(rank.layer[l]),
        threshold: put(weight.map(Math.abs)) },
        bins: { all: binned(values, this.reach.all), own: binned(values, this.reach.fc1) } };
    });
    this.reader = new Reader(machine, this.digits.n);
    this.spare = SIZES.map(([inputs, units]) => putLayer(
      machine, new Float32Array(inputs * units), new Float32Array(units), inputs, units));
    this.one = { ptr: machine.room(8), idx: machine.room(2 * 784), val: machine.room(4 * 784) };
  }

  describe(): Described {
    const none = this.counted("global", Infinity), own = this.counted("threshold", Infinity);
    return { simd: this.machine.simd, images: this.digits.n, reach: this.reach,
             right: this.reader.right(this.layers, this.digits),
             counts: { all: none.zeros, fc1: own.zeros } };
  }

  step(by: By, value: number): Step {
    const counted = this.counted(by, value), { kept } = counted;
    const masked = this.masked(by, value).map((layer, l) => ({ ...layer, kept: kept[l] }));
    return { right: this.reader.right(masked, this.digits), ...counted };
  }

  /** Copy the weights that stay; return the layers as they are then. */
  private masked(by: By, value: number): Layer[] {
    return this.layers.map((layer, l) => {
      const n = layer.inputs * layer.width;
      this.machine.kernel.mask(n, layer.score[by], this.least(by, value, l), layer.w, layer.to);
      return { ...layer, w: layer.to };
    });
  }

  /** Return the lowest score that stays in a layer. */
  private least(by: By, value: number, l: number): number {
    if (value === Infinity) return Infinity;
    if (by === "threshold") return l ? 0 : value;
    const [inputs, units] = SIZES[l];
    return Math.round(value * (by === "layer" ? inputs * units : 266_200));
  }

  /** Count what stays and what goes; by threshold only fc1 is looked at. */
  private counted(by: By, value: number): Omit<Step, "right"> {
    const zeros = new Array<number>(BINS).fill(0), pixels = new Array<number>(784).fill(0);
    const kept = this.layers.map((layer, l) => {
      const { inputs, width, units } = layer, least = Math.fround(this.least(by, value, l));
      const score = this.machine.floats(layer.score[by], inputs * width);
      const bins = by === "threshold" ? layer.bins.own : layer.bins.all;
      const looked = !l || by !== "threshold";
      let total = 0;
      for (let i = 0; i < inputs; i++) {
        let here = 0;
        for (let k = i * width; k < i * width + units; k++) {
          if (score[k] >= least) here++;
          else if (looked) zeros[bins[k]]++;
        }
        if (!l) pixels[i] = here;
        total += here;
      }
      return total;
    });
    return { kept, zeros, pixels };
  }

  /** Build the network without these neurons of fc1 in the spare room; it is really smaller. */
  private smaller(gone: number[]): Layer[] {
    const out = new Set(gone), stay = [...Array(300).keys()].filter(unit => !out.has(unit));
    const width = padded(stay.length), [first, second, third] = this.layers;
    const [one, two] = this.spare;
    const w = this.machine.floats(one.w, 784 * width).fill(0);
    const bias = this.machine.floats(one.bias, width).fill(0);
    const from = this.machine.floats(first.bias, 300);
    stay.forEach((unit, place) => {
      bias[place] = from[unit];
      for (let i = 0; i < 784; i++) w[i * width + place] = first.values[i * 300 + unit];
    });
    const next = this.machine.floats(two.w, 300 * 100);
    stay.forEach((unit, place) => next.set(
      second.values.subarray(unit * 100, unit * 100 + 100), place * 100));
    return [{ ...one, units: stay.length, width },
            { ...second, inputs: stay.length, w: two.w }, third];
  }

  remove(gone: number[]): Removed {
    return { right: this.reader.right(this.smaller(gone), this.digits),
             bytes: fileBytes(300 - gone.length) };
  }

  /** Time 256 images, the two networks in turns so that whatever else goes on strikes both. */
  time(gone: number[]): Timed {
    const smaller = this.smaller(gone), [whole, removed] = [[], []] as number[][];
    for (let turn = 0; turn < 5; turn++) {
      whole.push(this.timed(this.layers));
      removed.push(this.timed(smaller));
    }
    return { whole: median(whole), removed: median(removed) };
  }

  private timed(layers: Layer[]): number {
    const started = performance.now();
    let times = 0, passed = 0;
    while (passed < 12) { // some browsers' clocks tick once a millisecond
      this.reader.forward(layers, this.digits, 256);
      passed = performance.now() - started;
      times++;
    }
    return passed / times;
  }

  /** Read one image at a hundred sparsities, from 0 to 0.99. */
  read(pixels: Float32Array): Outputs {
    const at = [...pixels.keys()].filter(j => pixels[j] > 0), { ptr, idx, val } = this.one;
    new Uint32Array(this.machine.buffer, ptr, 2).set([0, at.length]);
    new Uint16Array(this.machine.buffer, idx, at.length).set(at);
    this.machine.floats(val, at.length).set(at.map(j => pixels[j]));
    const image = { n: 1, ptr, idx, val, tiles: 0, labels: new Uint8Array(1) };
    const outputs = new Float32Array(1000);
    for (let share = 0; share < 100; share++) {
      const read = this.reader.forward(this.masked("global", share / 100), image);
      outputs.set(read.subarray(0, 10), 10 * share);
    }
    return outputs;
  }

  /** Return which weights stay, by layer, row by row, once the `gone` smallest of all go. */
  magnitudeMasks(gone: number): Uint8Array[] {
    return this.layers.map(({ inputs, units, width, score }) => {
      const rank = this.machine.floats(score.global, inputs * width);
      return Uint8Array.from({ length: inputs * units }, (_, k) => Number(
        rank[k % inputs * width + Math.floor(k / inputs)] >= gone));
    });
  }

  /** Return a layer's weights and biases as they were trained. */
  trained(l: number): { weight: Float32Array; bias: Float32Array } {
    return this.parameters[l];
  }

  image(place: number): { pixels: Float32Array; label: number } {
    const pixels = Float32Array.from(this.pixels.subarray(784 * place, 784 * place + 784));
    return { pixels: pixels.map(pixel => pixel / 255), label: this.digits.labels[place] };
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** Return the length of the safetensors file of 784-width-100-10, header included. */
export function fileBytes(width: number): number {
  const head: Record<string, object> = {};
  let end = 0;
  [[784, width], [width, 100], [100, 10]].forEach(([inputs, units], l) => {
    for (const [name, shape] of [["bias", [units]], ["weight", [units, inputs]]] as const) {
      const begin = end;
      end += 4 * shape.reduce<number>((product, n) => product * n, 1);
      head[`${NAMES[l]}.${name}`] = { dtype: "F32", shape, data_offsets: [begin, end] };
    }
  });
  return 8 + Math.ceil(JSON.stringify(head).length / 8) * 8 + end;
}
