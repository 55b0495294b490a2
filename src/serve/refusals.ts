/** @file Why a request gets no answer, with HTTP's number for it. */

/** A request that is refused. All other errors are faults of the server, whose messages may name its files and are not sent. */
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
