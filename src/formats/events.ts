/**
 * @file TensorBoard's events: scalars of a step as one protobuf message, the payload of a TFRecord.
 * @see https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto (the fields)
 */

import { ProtobufWriter } from "./protobuf.ts";

/** What an events file says at one time. */
export interface TensorBoardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  readonly scalars?: Readonly<Record<string, number>>;
  /** In the first event of a file, and there alone. */
  readonly fileVersion?: number;
}

/** Field numbers of `Event`, `Summary` and `Summary.Value`. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 } as const;

/** An event as protobuf. */
export function encodeEvent({ wallTime, step = 0, scalars, fileVersion }: TensorBoardEvent) {
  const writer = new ProtobufWriter();
  if (scalars) {
    writer.message(EVENT.summary, () => {
      for (const [tag, value] of Object.entries(scalars).reverse()) {
        writer.message(SUMMARY_VALUE, () => {
          writer.float(VALUE.simpleValue, value);
          writer.string(VALUE.tag, tag);
        });
      }
    });
  }
  if (fileVersion !== undefined) writer.string(EVENT.fileVersion, `brain.Event:${fileVersion}`);
  writer.int(EVENT.step, step);
  writer.double(EVENT.wallTime, wallTime);
  return writer.finish();
}
