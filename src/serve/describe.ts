/** @file The OpenAPI description of a served model. */

import { packageVersion } from "../runs/environment.ts";
import type { Limits } from "./limits.ts";
import type { RequestModel } from "./model.ts";

const json = (schema: object) => ({ content: { "application/json": { schema } } });

const RANKED = {
  type: "array",
  items: {
    type: "object",
    required: ["name", "score"],
    properties: { name: { type: "string" }, score: { type: "number", minimum: 0, maximum: 1 } },
  },
};
const ERROR = {
  type: "object",
  required: ["error"],
  properties: { error: { type: "string" } },
};

/** What may be refused, beside what OpenAPI says of every request. */
const REFUSALS: Readonly<Record<string, string>> = {
  400: "no picture, or a bad or unknown parameter",
  401: "no token, or a wrong one",
  413: "more bytes than the limit",
  422: "a picture that cannot be decoded, has too many pixels, or a size that the model does not take",
  501: "this model cannot do that",
  503: "too many requests wait",
  504: "it took longer than the time limit",
};

const TOP = {
  name: "top",
  in: "query",
  description: "how many names",
  schema: { type: "integer", minimum: 1, default: 5 },
};

const HITS = {
  type: "array",
  items: {
    type: "object",
    required: ["image", "score"],
    properties: { image: { type: "string" }, score: { type: "number" } },
  },
};

const inQuery = (name: string, description: string) => ({
  ...{ name, in: "query", description },
  schema: { type: "string" },
});

/** The description. */
export function describeApi(model: RequestModel, limits: Limits, secured: boolean): object {
  const { task, names } = model.card;
  const post = (summary: string, answer: object, parameters: readonly object[] = []) => ({
    post: {
      summary,
      parameters,
      requestBody: {
        required: true,
        description: `a picture's file, at most ${limits.bytes} bytes and ${limits.pixels} pixels`,
        content: {
          "image/*": { schema: { type: "string", format: "binary" } },
          "multipart/form-data": {
            schema: {
              type: "object",
              properties: { file: { type: "string", format: "binary" } },
            },
          },
        },
      },
      responses: {
        200: { description: "the answer", ...json(answer) },
        ...Object.fromEntries(
          Object.entries(REFUSALS).map(([status, description]) => [
            status,
            { description, ...json(ERROR) },
          ]),
        ),
      },
    },
  });
  const text = (description: string, more: object = {}) => ({
    get: { ...more, responses: { 200: { description } } },
  });
  const kind = { kind: { type: "string" }, ranked: RANKED };
  return {
    openapi: "3.1.0",
    info: {
      title: `${model.card.model.name}, ${task.name}`,
      version: packageVersion(),
      description: Object.entries(names)
        .map(([field, list]) => `${field}: ${list.length} names`)
        .join("; "),
    },
    ...(secured && {
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    }),
    paths: {
      ...(model.offers.predict && {
        "/predict": post("What the model sees", { type: "object", properties: kind }, [TOP]),
      }),
      ...(model.offers.embed && {
        "/embed": post("Features", {
          type: "object",
          properties: { features: { type: "array", items: { type: "number" } } },
        }),
      }),
      ...(model.offers.explain && {
        "/explain": post(
          "Where the answer comes from",
          {
            type: "object",
            properties: {
              class: { type: "string" },
              probability: { type: "number" },
              ranked: RANKED,
              original: {
                type: "string",
                description: "the picture as the model sees it, a PNG file as a data URL",
              },
              picture: { type: "string", description: "the same under its map" },
              scale: {
                type: "string",
                description: "the map's colours from the least to the most, as a CSS gradient",
              },
            },
          },
          [TOP, { name: "class", in: "query", schema: { type: "string" } }],
        ),
      }),
      ...(model.offers.classify && {
        "/classify": post("Which labels fit", { type: "object", properties: kind }, [
          TOP,
          { ...inQuery("labels", "labels between commas"), required: true },
          inQuery("template", "a prompt with {} for the label; may be given several times"),
        ]),
      }),
      ...(model.offers.search && {
        "/search": post(
          "The nearest pictures of the index, to words (then the body may be empty), to a picture, or to both",
          { type: "object", properties: { hits: HITS } },
          [TOP, inQuery("text", "words to search for")],
        ),
      }),
      "/health": text("whether requests are taken", { security: [] }),
      "/metrics": text("counts, in Prometheus' format"),
    },
  };
}
