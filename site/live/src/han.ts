// Han's rounds, stored: 0 as trained, then after each cut and after each retraining.
import type { Pruning } from "./pruning.ts";
import { BINS, bin } from "./pruning.ts";
import type { Rounded } from "./messages.ts";
import { SIZES, turned, type Layer } from "./network.ts";
import { Parts } from "./unpack.ts";

interface Parameters { weight: Float32Array; bias: Float32Array; }
interface Stored { until: Uint8Array; kept: Float32Array[]; bias: Float32Array[]; }

export class Rounds {
  private readonly stored: Stored[]; // by layer; kept and bias by round
  private readonly room: Layer[];
  private readonly reach: number;
  private readonly known: Rounded[] = []; // by state

  constructor(private readonly pruning: Pruning, bytes: Uint8Array,
              private readonly scale: number[][]) {
    this.stored = unpack(bytes, scale);
    this.reach = Math.max(pruning.reach.fc1, ...scale.map(([first]) => 127 * first));
    const { machine } = pruning;
    this.room = SIZES.map(([inputs, units], l) => {
      const { width } = pruning.layers[l];
      return { inputs, units, width, w: machine.room(4 * inputs * width),
               bias: machine.room(4 * width) };
    });
  }

  get states(): number {
    return 2 * this.stored[0].kept.length + 1;
  }

  /** Read all states at the first call: a reader goes through them to and fro. */
  state(state: number): Rounded {
    for (let each = this.known.length; each < this.states; each++) {
      const weights = this.weights(each);
      this.known.push({ ...this.look(each, weights[0].weight), right: this.pruning.reader.right(
        this.network(weights), this.pruning.digits) });
    }
    return this.known[state];
  }

  /** Count what is kept in a state, and where. */
  private look(state: number, weights: Float32Array): Omit<Rounded, "right"> {
    const { until } = this.stored[0];
    const mask = until.map(round => Number(round >= number(state)));
    const counts = new Array<number>(BINS).fill(0), pixels = new Array<number>(784).fill(0);
    const reach = this.reach, trained = Math.floor(state / 2);
    const level = trained ? this.scale[trained - 1][0] : 0;
    mask.forEach((kept, k) => {
      if (!kept) return;
      for (let part = 0; part < 5; part++) { // a level stands for all values that round to it
        counts[bin(weights[k] + level * (part / 5 - 0.4), reach)] += 0.2;
      }
      pixels[k % 784]++;
    });
    return { counts, pixels, mask, reach, states: this.states, kept: this.stored.map(
      each => each.until.reduce((n, round) => n + Number(round >= number(state)), 0)) };
  }

  /** Put weights and biases into the memory. */
  private network(parameters: Parameters[]): Layer[] {
    const { machine } = this.pruning;
    return parameters.map(({ weight, bias }, l) => {
      const { inputs, units, w, width, bias: at } = this.room[l];
      machine.floats(w, inputs * width).set(turned(weight, inputs, units));
      machine.floats(at, width).fill(0).set(bias);
      return this.room[l];
    });
  }

  /** Return each layer's weights and biases: of the last retraining, cut by this round's mask. */
  private weights(state: number): Parameters[] {
    const round = number(state), trained = Math.floor(state / 2);
    return this.stored.map(({ until, kept, bias }, l) => {
      if (!trained) {
        const { weight, bias: first } = this.pruning.trained(l);
        return { weight: weight.map((x, k) => until[k] >= round ? x : 0), bias: first };
      }
      const weight = new Float32Array(until.length);
      let next = 0;
      until.forEach((last, k) => {
        if (last < trained) return;
        const value = kept[trained - 1][next++];
        if (last >= round) weight[k] = value;
      });
      return { weight, bias: bias[trained - 1] };
    });
  }
}

/** Return the round whose mask holds in a state: cut and retrained share one. */
export function number(state: number): number {
  return Math.ceil(state / 2);
}

function unpack(bytes: Uint8Array, scale: number[][]): Stored[] {
  const parts = new Parts(bytes);
  const stored: Stored[] = SIZES.map(([inputs, units]) => (
    { until: parts.take(inputs * units), kept: [], bias: [] }));
  scale.forEach((scales, k) => {
    stored.forEach(({ until, kept }, l) => {
      const n = until.reduce((count, last) => count + Number(last > k), 0);
      const levels = new Int8Array(parts.take(n).buffer), step = Math.fround(scales[l]);
      kept.push(Float32Array.from(levels, level => level * step));
    });
    stored.forEach(({ bias }, l) => bias.push(parts.floats(SIZES[l][1])));
  });
  parts.end();
  return stored;
}
