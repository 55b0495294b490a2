/**
 * @file The peer of `ocelli bench serve`: what one writes with node:http, sharp and onnxruntime-node, a run for each request.
 *
 *   node bench/peers/plain-server.ts MODEL.onnx PORT
 */

import { createServer } from "node:http";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const [file, port] = process.argv.slice(2);
const session = await InferenceSession.create(file);
const SIDE = 28;

createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    answer(Buffer.concat(parts)).then(
      (body) => response.setHeader("Content-Type", "application/json").end(body),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
}).listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));

/** The classes with their probabilities, the surest first. */
async function answer(picture: Buffer): Promise<string> {
  const pixels = await sharp(picture)
    .greyscale()
    .resize(SIDE, SIDE, { fit: "fill" })
    .raw()
    .toBuffer();
  const image = Float32Array.from(pixels, (value) => value / 127.5 - 1);
  const { logits } = await session.run({ image: new Tensor("float32", image, [1, SIDE, SIDE, 1]) });
  const values = [...(logits.data as Float32Array)];
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b);
  const ranked = powers.map((power, k) => ({ name: String(k), score: power / sum }));
  return JSON.stringify({ ranked: ranked.sort((a, b) => b.score - a.score).slice(0, 5) });
}
