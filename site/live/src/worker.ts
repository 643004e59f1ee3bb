// The worker: it holds the network, and answers one question after the other.
import { Machine } from "./machine.ts";
import type { Asked, Question, Reply } from "./messages.ts";
import { Pruning } from "./pruning.ts";
import { Rounds } from "./han.ts";
import { Surgery } from "./surgery.ts";
import { bytesOf } from "./unpack.ts";

let wasm: Uint8Array<ArrayBuffer> | null = null;
const files: Record<string, unknown> = {};
let pruning: Promise<Pruning> | null = null;
let rounds: Promise<Rounds> | null = null;
let surgery: Promise<Surgery> | null = null;
let order: number[] = [];

async function makePruning(): Promise<Pruning> {
  const [network, digits] = await Promise.all([files.network, files.digits].map(bytesOf));
  return new Pruning(await Machine.create(wasm), network, digits);
}

async function makeRounds(): Promise<Rounds> {
  const { blob, scale } = files.rounds as { blob: string; scale: number[][] };
  return new Rounds(await (pruning ??= makePruning()), await bytesOf(blob), scale);
}

async function makeSurgery(): Promise<Surgery> {
  const { blob, ways, shares } = files.surgery as { blob: string; ways: string[]; shares: number[] };
  return new Surgery(await (pruning ??= makePruning()), await bytesOf(blob), ways, shares);
}

function load({ name, value }: Asked["load"]): boolean {
  files[name] = value;
  if (name === "neurons") ({ order } = value as { order: number[] });
  if (name === "kernel") wasm = value as Uint8Array<ArrayBuffer>;
  return true;
}

async function answer({ kind, about }: Question): Promise<unknown> {
  if (kind === "load") return load(about as Asked["load"]);
  if (kind === "round") {
    return (await (rounds ??= makeRounds())).state((about as Asked["round"]).state);
  }
  if (kind === "cut") {
    return (await (surgery ??= makeSurgery())).cut((about as Asked["cut"]).share);
  }
  if (kind === "solved") return (await (surgery ??= makeSurgery())).solved;
  const network = await (pruning ??= makePruning());
  switch (kind) {
    case "describe": return network.describe();
    case "step": {
      const { by, value } = about as Asked["step"];
      return network.step(by, value);
    }
    case "remove": return network.remove(order.slice(0, (about as Asked["remove"]).count));
    case "time": return network.time(order.slice(0, (about as Asked["time"]).count));
    case "read": return network.read((about as Asked["read"]).pixels);
    default: return network.image((about as Asked["image"]).place);
  }
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  let reply: Reply;
  try {
    reply = { id: data.id, answer: await answer(data) as Reply["answer"] };
  } catch (error) {
    reply = { id: data.id, error: String(error) };
  }
  (self as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
};
