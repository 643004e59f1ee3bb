// From the text of a data file to arrays.

export async function bytesOf(blob: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof blob !== "string") throw new Error("a data file does not hold what it should");
  const letters = atob(blob), packed = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k++) packed[k] = letters.charCodeAt(k);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer()); // refuses a wrong checksum
}

/** Put the four bytes of each float32 together again. */
export function fromPlanes(planes: Uint8Array): Float32Array {
  const n = planes.length / 4, bytes = new Uint8Array(4 * n);
  for (let plane = 0; plane < 4; plane++) {
    for (let k = 0; k < n; k++) bytes[4 * k + plane] = planes[plane * n + k];
  }
  return new Float32Array(bytes.buffer);
}

/** Hand out one part after the other, and see that nothing is missing or left. */
export class Parts {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  take(n: number): Uint8Array<ArrayBuffer> {
    const part = this.bytes.slice(this.at, this.at + n);
    if (part.length !== n) throw new Error("a data file is too short");
    this.at += n;
    return part as Uint8Array<ArrayBuffer>;
  }

  floats(n: number): Float32Array {
    return new Float32Array(this.take(4 * n).buffer);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new Error("a data file is too long");
  }
}
