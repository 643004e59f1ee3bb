// The page's side of the worker: data files by script tags, questions, answers.
import type { Answered, Asked, Kind, Question, Reply } from "./messages.ts";

declare const WORKER_SOURCE: string, KERNEL: string;

const own = (document.currentScript as HTMLScriptElement | null)?.src ?? document.baseURI;
export const besides = (path: string) => new URL(path, own).href;

const files = new Map<string, Promise<unknown>>();
const arrived = new Map<string, unknown>();
(window as unknown as Record<string, unknown>).courseLive = (name: string, value: unknown) => {
  arrived.set(name, value);
};

/** Load data/NAME.js, once; a page opened from a folder may load scripts, but fetch nothing. */
export function file(name: string): Promise<unknown> {
  const known = files.get(name);
  if (known) return known;
  const loading = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const done = () => {
      removeEventListener("error", broken);
      script.remove();
      if (arrived.has(name)) resolve(arrived.get(name));
      else reject(new Error(`the file ${name}.js could not be read`));
    };
    const broken = (event: ErrorEvent) => { // a data file that is cut off is no program
      if (!event.filename || event.filename === script.src) event.preventDefault();
    };
    addEventListener("error", broken);
    script.onload = script.onerror = done;
    script.src = besides(`data/${name}.js`);
    document.head.append(script);
  });
  files.set(name, loading);
  return loading;
}

class Client {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private readonly loaded = new Map<string, Promise<unknown>>();
  private next = 0;
  private broken = "";

  constructor() {
    const source = new Blob([WORKER_SOURCE], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(source));
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      this.waiting.get(data.id)?.(data);
      this.waiting.delete(data.id);
    };
    this.worker.onerror = event => { // also where a policy forbids it, a moment later
      event.preventDefault();
      this.broken = event.message || "this page may not start a worker";
      this.waiting.forEach(done => done({ id: 0, error: this.broken }));
    };
    if (typeof WebAssembly === "object") {
      this.ask("load", { name: "kernel", value: Uint8Array.from(
        atob(KERNEL), each => each.charCodeAt(0)) }).catch(() => {}); // the next question will say
    }
  }

  ask<K extends Kind>(kind: K, about: Asked[K]): Promise<Answered[K]> {
    if (this.broken) return Promise.reject(new Error(this.broken));
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ answer, error }) => {
        if (error === undefined) resolve(answer as Answered[K]);
        else reject(new Error(error));
      });
      const question: Question = { id, kind, about };
      this.worker.postMessage(question);
    });
  }

  /** Hand a data file on to the worker, once. */
  load(name: string): Promise<unknown> {
    let loading = this.loaded.get(name);
    if (!loading) {
      loading = file(name).then(value => this.ask("load", { name, value }));
      this.loaded.set(name, loading);
    }
    return loading;
  }
}

let client: Client | null = null;

/** Return the page's worker, all of these files loaded. */
export async function network(...names: string[]): Promise<Client> {
  client ??= new Client();
  await Promise.all(names.map(name => client!.load(name)));
  return client;
}

export type { Client };
