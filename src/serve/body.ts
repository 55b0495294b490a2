/** @file The picture in a request: its whole body, or the first file of a form. */

import { Refusal } from "./refusals.ts";

/**
 * The bytes of a request's picture; none where it may be left out.
 *
 * @throws a refusal where there is none, or more than `limit` bytes
 */
export async function pictureOf(
  request: Request,
  limit: number,
  isOptional = false,
): Promise<Uint8Array> {
  const body = await readBody(request, limit);
  if (isOptional && body.length === 0) return body;
  const type = request.headers.get("content-type") ?? "";
  const file = /^multipart\/form-data\b/i.test(type) ? await fileIn(body, type) : body;
  if (file.length > 0) return file;
  throw new Refusal(
    400,
    "there is no picture; send a file's bytes as the body, or as a form's file",
  );
}

async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new Refusal(413, `the request has more than ${limit} bytes`);
  const told = request.headers.get("content-length");
  if (told !== null) {
    if (Number(told) > limit) throw tooLarge();
    return new Uint8Array(await request.arrayBuffer()); // Node's parser holds it to the length that was told
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > limit) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function fileIn(body: Uint8Array, type: string): Promise<Uint8Array> {
  const response = new Response(body as Uint8Array<ArrayBuffer>, {
    headers: { "Content-Type": type },
  });
  const form = await response.formData().catch(() => {
    throw new Refusal(400, "the form cannot be read");
  });
  for (const value of form.values()) {
    if (typeof value !== "string") return new Uint8Array(await value.arrayBuffer());
  }
  throw new Refusal(400, "the form holds no file");
}
