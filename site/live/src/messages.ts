// What the page asks the worker, and what it gets back.

/** How weights are chosen: by magnitude across or within layers, or below a threshold in fc1. */
export type By = "global" | "layer" | "threshold";

/** What is known of the network before anything is pruned. */
export interface Described {
  simd: boolean;
  images: number;
  right: number;
  reach: { all: number; fc1: number }; // the largest magnitude
  counts: { all: number[]; fc1: number[] }; // weights in each of 80 bins from -reach to reach
}

/** One reading of all digits by a masked network. */
export interface Step {
  right: number;
  kept: number[]; // weights, by layer
  zeros: number[]; // weights that are zero, in each bin of "all" or, by threshold, of "fc1"
  pixels: number[]; // weights of fc1 that each pixel keeps
}

/** One reading by a network without some neurons. */
export interface Removed { right: number; bytes: number; }

/** Milliseconds for 256 images, of the whole network and of the one without some neurons. */
export interface Timed { whole: number; removed: number; }

/** One state of Han's rounds: 0 as trained, then after each cut and after each retraining. */
export interface Rounded {
  right: number;
  states: number; // how many there are
  kept: number[];
  counts: number[]; // survivors of fc1, in 80 bins from -reach to reach
  reach: number;
  pixels: number[];
  mask: Uint8Array; // fc1, 300 rows of 784
}

/** Lesson 12: right answers of both masks at one sparsity, old values. */
export interface Cut { magnitude: number; wanda: number; kept: number[]; }

/** Right answers of a network whose values were solved beforehand. */
export interface Solved { way: string; share: number; right: number; }

/** The ten outputs for one image at sparsities 0, 0.01, … 0.99. */
export type Outputs = Float32Array;

export interface Asked {
  load: { name: string; value: unknown };
  describe: Record<string, never>;
  step: { by: By; value: number };
  remove: { count: number };
  time: { count: number };
  round: { state: number };
  cut: { share: number };
  solved: Record<string, never>;
  read: { pixels: Float32Array };
  image: { place: number };
}

export interface Answered {
  load: boolean;
  describe: Described;
  step: Step;
  remove: Removed;
  time: Timed;
  round: Rounded;
  cut: Cut;
  solved: Solved[];
  read: Outputs;
  image: { pixels: Float32Array; label: number };
}

export type Kind = keyof Asked;
export interface Question { id: number; kind: Kind; about: Asked[Kind]; }
export interface Reply { id: number; answer?: Answered[Kind]; error?: string; }
