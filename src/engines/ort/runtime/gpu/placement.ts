/** @file Which of a session's operators the processor computes, for want of a kernel on the GPU. */

import koffi from "koffi";
import type { OrtApi, Pointer } from "../c-api.ts";

/** The session option that makes ONNX Runtime note it. */
export const RECORD_PLACEMENT = "session.record_ep_graph_assignment_info";

const PROCESSOR = "CPUExecutionProvider";

/** Two words outside V8's heap that a C function writes an array's address and length into. */
function arrayOf(api: OrtApi, entry: ListEntry, of: Pointer): Pointer[] {
  const words = new BigUint64Array(Buffer.allocUnsafeSlow(64).buffer, 0, 2);
  const start = koffi.address(words.buffer);
  api.call(entry, of, start, start + 8n);
  const [list, length] = words;
  return Array.from(
    { length: Number(length) },
    (_, i) => koffi.decode(list, 8 * i, "void *") as Pointer,
  );
}

type ListEntry = "Session_GetEpGraphAssignmentInfo" | "EpAssignedSubgraph_GetNodes";

/** How many nodes of each operator the processor has of a session that was made with {@link RECORD_PLACEMENT}. */
export function readFallbacks(api: OrtApi, session: Pointer): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const text = (pointer: Pointer): string => koffi.decode.string(pointer);
  for (const part of arrayOf(api, "Session_GetEpGraphAssignmentInfo", session)) {
    if (text(api.create("EpAssignedSubgraph_GetEpName", part)) !== PROCESSOR) continue;
    for (const node of arrayOf(api, "EpAssignedSubgraph_GetNodes", part)) {
      const operator = text(api.create("EpAssignedNode_GetOperatorType", node));
      counts[operator] = (counts[operator] ?? 0) + 1;
    }
  }
  return counts;
}
