import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { checkSupported } from "../../src/engines/ort/unsupported.ts";
import { contract } from "./suite.ts";

contract({ name: "ort", create: () => createOrtEngine({ threads: 1 }), checkSupported });
