/** @file The fields of a protobuf message, one after the other; what is not asked for is passed over. */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A field: bytes, text or a message as a view; an integer where it is one. */
export interface MessageField {
  readonly field: number;
  readonly bytes?: Uint8Array;
  readonly integer?: number;
}

/** The fields of a message in their order; damaged bytes throw as they are reached. */
export function* messageFields(bytes: Uint8Array): Generator<MessageField, void> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield { field, bytes: reader.bytes() };
    else if (type === WireType.Varint) yield { field, integer: Number(reader.int64()) };
    else {
      reader.skip(type, field);
      yield { field };
    }
  }
}
