/** @file The page of the example: it sends files to the worker and shows what comes back. */

import { describeAnswer } from "ocelli/web";
import type { Ask, Told } from "./worker.ts";

const at = (id: string): HTMLElement => document.getElementById(id)!;
const file = at("file") as HTMLInputElement;
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
let asked = 0;

worker.onmessage = ({ data }: MessageEvent<Told>) => {
  if ("ready" in data) {
    at("answer").textContent = `ready: ${data.ready}`;
    file.disabled = false;
  } else if (data.id === undefined || data.id === asked) {
    at("answer").textContent = "answer" in data ? describeAnswer(data.answer) : data.error;
  } // else an older picture's
};

file.onchange = () => {
  const [chosen] = file.files ?? [];
  if (!chosen) return;
  at("answer").textContent = "…";
  worker.postMessage({ id: ++asked, file: chosen } satisfies Ask);
};
