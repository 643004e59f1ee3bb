// Builds dist/live.js, one classic script with the worker's source and the kernel inside, and
// copies the stylesheet beside it. The data files come from weights.py.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const common = { bundle: true, minify: true, target: "es2020", format: "iife", charset: "utf8" };

async function main() {
  const worker = await build({ ...common, entryPoints: ["src/worker.ts"], write: false });
  mkdirSync("dist", { recursive: true });
  await build({
    ...common, entryPoints: ["src/page.ts"], outfile: "dist/live.js",
    define: {
      WORKER_SOURCE: JSON.stringify(worker.outputFiles[0].text),
      KERNEL: JSON.stringify(readFileSync("src/kernel.wasm").toString("base64")),
    },
  });
  copyFileSync("src/live.css", "dist/live.css");
  for (const name of ["live.js", "live.css"]) {
    const content = readFileSync(`dist/${name}`);
    console.log(`${name}: ${content.length} bytes, ${gzipSync(content, { level: 9 }).length} gzip`);
  }
}

await main();
