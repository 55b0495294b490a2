/** @file Why a request gets no answer, with HTTP's number for it. */

import { OcelliError } from "../errors.ts";

/** A request that is refused. */
export class Refusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 422 | 501 | 503 | 504;

  constructor(status: Refusal["status"], message: string) {
    super(message);
    this.status = status;
  }
}

/** More requests wait than the queue holds. */
export class TooBusy extends Refusal {
  constructor() {
    super(503, "too many requests wait; try again in a second");
  }
}

/** A request waited longer than the time limit. */
export class TooLate extends Refusal {
  constructor() {
    super(504, "the request took longer than the time limit");
  }
}

/** The refusal that an error means to the one who asked; undefined for faults of the server. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (!(error instanceof OcelliError)) return undefined;
  if (error.code === "data") return new Refusal(422, error.message);
  return error.code === "argument" ? new Refusal(400, error.message) : undefined;
}
